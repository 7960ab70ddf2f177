"""``python -m server.bench.streams.fake_server``: the embedded server around a metronome."""

import asyncio
import os
import sys

from server.app import EmbeddedServer
from server.engine.metronome import Metronome
from server.profile import load_profile
from server.serve import open_socket, serve
from server.settings import DEFAULT_FILE, load_settings

BATCH = 1024


def main() -> None:
    """Writes its address when ready; SIGTERM ends it."""
    flags = {"port": 0, "max_queue": BATCH, "max_batch": BATCH, "shutdown_grace_s": 0.0}
    settings = load_settings(DEFAULT_FILE, flags, os.environ)
    listening = open_socket("127.0.0.1", 0)
    server = EmbeddedServer(settings, load_profile(settings.model), lambda: Metronome(BATCH))

    def on_ready() -> None:
        sys.stdout.write(f"ready at http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()

    asyncio.run(serve(server, listening, on_ready))


if __name__ == "__main__":
    main()
