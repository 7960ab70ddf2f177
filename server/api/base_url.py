"""What the addresses in an answer begin with."""

import re

from fastapi import Request

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


def base_url(request: Request, public_url: str) -> str:
    """The configured one, else the host as the client wrote it; a Host header that is none gives bare paths."""
    if public_url:
        return public_url.rstrip("/")
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host}" if _HOST.fullmatch(host) else ""
