"""The entry point of ``h2serve`` and ``python -m server``; the commands are in ``server/cli``."""

import sys
from collections.abc import Sequence

from typer.main import get_command

from server.cli.commands import create_cli
from server.errors import ServerError, StartupError


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 after an orderly end, 2 with one line when the command cannot start, 1 when it broke."""
    try:
        get_command(create_cli())(words, prog_name="h2serve")
    except ServerError as error:
        sys.stderr.write(f"h2serve: {error.message}\n")
        sys.exit(2 if isinstance(error, StartupError) else 1)


if __name__ == "__main__":
    main()
