"""Where API keys are kept."""

from typing import Protocol

from server.access.key import ApiKey


class KeyStore(Protocol):
    """Keys by their secret. What is added or revoked is seen within ``SEEN_WITHIN_S`` by every process."""

    async def find(self, secret: str) -> ApiKey | None:
        """The key of this secret, None where there is none or it was revoked."""
        ...


SEEN_WITHIN_S = 5.0
