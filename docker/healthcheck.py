"""``healthcheck.py URL``: exit code 0 when the URL answers 200 within 5 s. Needs the standard library only."""

import sys
from urllib.error import URLError
from urllib.request import urlopen


def main() -> None:
    """The reason of a failure goes into `docker inspect`."""
    try:
        with urlopen(sys.argv[1], timeout=5) as answer:
            status = answer.status
    except (URLError, OSError) as error:
        sys.exit(f"no answer: {error}")
    if status != 200:
        sys.exit(f"status {status}")


if __name__ == "__main__":
    main()
