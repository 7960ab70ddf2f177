"""A message's signature, as Standard Webhooks has it (github.com/standard-webhooks, its specification)."""

import base64
import binascii
import hmac
from collections.abc import Mapping

from server.errors import SettingsError

PREFIX = "whsec_"
LEAST_BYTES = 24


def read_secret(text: str) -> bytes:
    """The key of ``whsec_`` and base64. Raises SettingsError, which does not quote it."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or len(key) < LEAST_BYTES:
        raise SettingsError(f"the webhook secret is not {PREFIX} and base64 of {LEAST_BYTES} bytes or more")
    return key


def signed_headers(key: bytes, message_id: str, now_s: int, body: bytes) -> Mapping[str, str]:
    """HMAC-SHA256 over id, time and body. A receiver refuses what is old, and an id that it has seen."""
    signed = hmac.digest(key, f"{message_id}.{now_s}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": "v1," + base64.b64encode(signed).decode("ascii"),
    }
