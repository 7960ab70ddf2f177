"""``make_secrets.py FOLDER SCRAPE_FOLDER [--new-password]``: make what containers share and nobody else knows.

Into FOLDER the password of Redis, in a file for us and one for Redis, and the secret that signs addresses of
images. Into SCRAPE_FOLDER the token of /metrics, apart, since Prometheus needs no other secret. What is there is
kept, but for the password under --new-password: the old one stays beside it, to tell Redis of the new one with.
"""

import os
import secrets
import sys
from pathlib import Path

READABLE = 0o444
"""The volumes are mounted into the containers of docker-compose.yml only, and their users differ."""


def main() -> None:
    """What is there already is kept: a new secret would lock running processes out."""
    words = sys.argv[1:]
    is_new = words[2:] == ["--new-password"]
    if len(words) < 2 or not (is_new or len(words) == 2):
        sys.exit("usage: make_secrets.py FOLDER SCRAPE_FOLDER [--new-password]")
    folder, scrape_folder = Path(words[0]), Path(words[1])
    password = folder / "redis_password"
    if is_new and password.exists():
        write(folder / "redis_password.old", password.read_text(encoding="ascii"))
        write(password, secrets.token_hex(32) + "\n")
    for path in (password, folder / "url_secret", scrape_folder / "token"):
        if not path.exists():
            write(path, secrets.token_hex(32) + "\n")
    write(folder / "redis.conf", f"requirepass {password.read_text(encoding='ascii').strip()}\n")


def write(path: Path, text: str) -> None:
    """Whole or not at all."""
    half = path.with_name(path.name + ".new")
    half.write_text(text, encoding="ascii")
    half.chmod(READABLE)
    os.replace(half, path)


if __name__ == "__main__":
    main()
