"""The flags that all load tests share."""

import argparse
import math
from pathlib import Path


def target_parser(program: str, said: str | None) -> argparse.ArgumentParser:
    """A parser that knows whom to load, with what."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=said)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (http://127.0.0.1:8000)")
    parser.add_argument("--mix", default="nano", help="a TOML file, or the name of a shipped one (nano)")
    parser.add_argument("--key-file", type=Path, help="a file with the server's API key")
    parser.add_argument("--i-own-this-server", action="store_true", help="allow a server that is not this machine")
    parser.add_argument(
        "--timeout", type=positive_number, default=600.0, help="seconds until a request has failed (600)"
    )
    return parser


def positive(text: str) -> int:
    """A count of at least 1."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def positive_number(text: str) -> float:
    """A finite number above 0: seconds, a rate, a tolerance."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError
    return value
