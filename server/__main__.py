"""The entry point of ``h2serve`` and ``python -m server``; the commands are in ``server/cli``."""

import sys
from collections.abc import Sequence

from typer.main import get_command

from server.cli.commands import create_cli
from server.errors import NotReady, QueueFull, RequestError, ServerError, StartupError

BROKE, WRONG, BUSY = 1, 2, 3


def main(words: Sequence[str] | None = None) -> None:
    """Run a command; an error is one line and an exit code (docs/cli.md)."""
    try:
        get_command(create_cli())(words, prog_name="h2serve")
    except ServerError as error:
        sys.stderr.write(f"h2serve: {error.message}\n")
        sys.exit(code_of(error))


def code_of(error: ServerError) -> int:
    """2 where what was asked for is wrong or cannot start, 3 where it is worth trying again, else 1."""
    if isinstance(error, StartupError | RequestError):
        return WRONG
    return BUSY if isinstance(error, QueueFull | NotReady) else BROKE


if __name__ == "__main__":
    main()
