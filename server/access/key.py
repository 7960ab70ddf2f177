"""API keys: 256 random bits that the client has, and their SHA-256 that the server keeps."""

import hashlib
import secrets
from dataclasses import dataclass

from server.access.caller import Caller

PREFIX = "h2s_"
"""By which scanners of repositories and logs find a key that leaked."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. ``sha256`` in hex; ``created_s`` in seconds since 1970."""

    sha256: str
    caller: Caller
    created_s: int

    @property
    def id(self) -> str:
        """The public name, by which it is listed and revoked."""
        return self.caller.key_id


def new_secret() -> str:
    """A key to hand out: it is shown once and never stored."""
    return PREFIX + secrets.token_hex(32)


def digest(secret: str) -> str:
    """What is stored. One round is enough for 256 random bits, which nobody can try out."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
