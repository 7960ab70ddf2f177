"""``python -m server.bench.instant_server``: the whole server around an engine that answers at once."""

import asyncio
import os
import sys

from server.app import EmbeddedServer
from server.engine.fake import InstantEngine
from server.profile import load_profile
from server.serve import open_socket, serve
from server.settings import DEFAULT_FILE, load_settings


def main() -> None:
    """Writes its address when ready; SIGTERM ends it."""
    settings = load_settings(DEFAULT_FILE, {"port": 0}, os.environ)
    listening = open_socket("127.0.0.1", 0)
    server = EmbeddedServer(settings, load_profile(settings.model), InstantEngine)

    def on_ready() -> None:
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()

    asyncio.run(serve(server, listening, on_ready))


if __name__ == "__main__":
    main()
