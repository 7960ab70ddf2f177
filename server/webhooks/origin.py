"""Which receivers may be told: the origins that the operator has listed, and no others."""

from dataclasses import dataclass

import httpx

from server.errors import RequestError, SettingsError

PORTS = {"https": 443, "http": 80}
PARAM = "webhook_url"


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host in lower case, and port."""

    scheme: str
    host: str
    port: int


def read_origins(text: str) -> frozenset[Origin]:
    """Those of a setting, separated by blanks. Raises SettingsError."""
    origins = set()
    for word in text.split():
        origin = origin_of(word)
        if origin is None or httpx.URL(word).raw_path != b"/":
            raise SettingsError(f"webhook_origins has {word[:64]!r}, allowed is as https://hooks.example:8443")
        origins.add(origin)
    return frozenset(origins)


def check_url(url: str, allowed: frozenset[Origin]) -> None:
    """Raises RequestError unless the URL's origin is one of the allowed."""
    if origin_of(url) not in allowed:
        raise RequestError("webhook_url is of an origin that is not allowed here", PARAM)


def origin_of(url: str) -> Origin | None:
    """None for what is no plain http(s) URL: with a user, a fragment, a blank or anything beyond ASCII.

    Read by the same parser that the connection is made with: two would disagree about some URL.
    """
    if not url.isascii() or not url.isprintable() or any(c in url for c in " \\@#"):
        return None
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    if parts.scheme not in PORTS or not parts.host or parts.port == 0:
        return None
    return Origin(parts.scheme, parts.host, port_of(parts))


def port_of(url: httpx.URL) -> int:
    """The given one or its scheme's."""
    return url.port or PORTS[url.scheme]
