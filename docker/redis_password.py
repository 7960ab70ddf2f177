"""``redis_password.py FOLDER``: make a password for Redis once, in a file for us and one for Redis."""

import os
import secrets
import sys
from pathlib import Path

READABLE = 0o444
"""The volume is mounted into our own containers only, and their users differ."""


def main() -> None:
    """What is there already is kept: a new password would lock running processes out."""
    folder = Path(sys.argv[1])
    password = folder / "redis_password"
    if not password.exists():
        write(password, secrets.token_hex(32) + "\n")
    write(folder / "redis.conf", f"requirepass {password.read_text(encoding='ascii').strip()}\n")


def write(path: Path, text: str) -> None:
    """Whole or not at all."""
    half = path.with_suffix(".new")
    half.write_text(text, encoding="ascii")
    half.chmod(READABLE)
    os.replace(half, path)


if __name__ == "__main__":
    main()
