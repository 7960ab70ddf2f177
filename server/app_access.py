"""What the settings say of who may call, of signed addresses, and of whom the server tells."""

import asyncio
import random
import secrets
import time
from pathlib import Path

from server.access.access import Access
from server.access.key_file import FileKeyStore
from server.access.open_door import reason_to_refuse
from server.access.rates import Rates
from server.access.store import KeyStore
from server.api.url_signer import UrlSigner
from server.errors import SettingsError
from server.settings import Settings
from server.webhooks.address import resolve
from server.webhooks.origin import read_origins
from server.webhooks.outbox import Outbox
from server.webhooks.sender import WebhookSender, new_transport_maker
from server.webhooks.signing import read_secret
from server.webhooks.webhooks import Webhooks


def keys_of(settings: Settings) -> KeyStore | None:
    """The keys of the settings; None lets everybody in.

    Raises SettingsError where that would be anybody from anywhere and nobody said so, and for a file that cannot
    be read, or a URL that is none.
    """
    reason = reason_to_refuse(settings.host, bool(settings.keys), settings.insecure_no_auth)
    if reason is not None:
        raise SettingsError(reason)
    if not settings.keys:
        return None
    if "://" not in settings.keys:
        return FileKeyStore(Path(settings.keys), time.monotonic)
    from server.access.key_redis import RedisKeyStore
    from server.redis_link import read_address

    return RedisKeyStore(read_address(settings.keys, settings.redis_password_file), time.monotonic)


def access_of(settings: Settings, rates: Rates) -> Access:
    """Who may call, and how fast. Raises SettingsError."""
    token = settings.metrics_token
    if settings.metrics_token_file:
        token = _secret_in(Path(settings.metrics_token_file), "metrics_token_file").decode("ascii", "replace")
    return Access(rates, keys_of(settings), token, tuple(settings.cors_origins.split()))


def signer_of(settings: Settings) -> UrlSigner:
    """Signs addresses of files. Without a secret one is drawn, which no other process knows."""
    secret = settings.url_secret.encode()
    if settings.url_secret_file:
        secret = _secret_in(Path(settings.url_secret_file), "url_secret_file")
    return UrlSigner(secret or secrets.token_bytes(32), settings.url_life_s, time.time)


def webhooks_of(settings: Settings, outbox: Outbox) -> Webhooks | None:
    """None where they are off, as they are unless receivers are listed. Raises SettingsError."""
    origins = read_origins(settings.webhook_origins)
    if not origins:
        return None
    if not settings.public_url:
        raise SettingsError("webhook_origins needs public_url, which the addresses in a message begin with")
    secret = settings.webhook_secret
    if settings.webhook_secret_file:
        secret = _secret_in(Path(settings.webhook_secret_file), "webhook_secret_file").decode("ascii", "replace")
    sender = WebhookSender(
        origins, read_secret(secret), resolve, new_transport_maker(), time.time, asyncio.sleep, random.random
    )
    return Webhooks(sender, outbox)


def _secret_in(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"{setting} {str(path)!r} cannot be read: {error.strerror}") from error
