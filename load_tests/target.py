"""Whom a load test may be aimed at: this machine, or a server that its owner vouches for."""

import ipaddress
from urllib.parse import urlsplit

from load_tests.errors import LoadTestError


def checked_url(url: str, is_own: bool, flag: str = "--url") -> str:
    """The URL of ``flag`` without a slash at its end. Raises LoadTestError for one that may not be loaded."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LoadTestError(f"{flag} is {url[:80]!r}, allowed is http://HOST:PORT or https://HOST")
    if not is_own and not is_loopback(parts.hostname):
        raise LoadTestError(
            f"{parts.hostname[:80]} is not this machine. A load test of a stranger's server is an attack: "
            "give --i-own-this-server if it is yours"
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """By its spelling alone: what a name resolves to may change between the check and the run."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
