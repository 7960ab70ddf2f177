"""Who may pass: every path needs a key, but for the few that are listed here as open.

It stands before the routes and judges the very path that they are matched by, so that no Host header, slash or
encoding means one thing here and another there.
"""

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from server.access.caller import NOBODY_IN_PARTICULAR, Caller
from server.access.store import KeyStore
from server.api.envelope import from_server_error
from server.api.request_log import NOTES
from server.api.url_signer import Grant, UrlSigner
from server.errors import NotAllowed, ServerError

OPEN_PATHS = ("/livez", "/readyz", "/startupz")
"""What a stranger is answered beside the pages of the playground; each tells no more than a word."""
METRICS_PATH = "/metrics"
FILE_PATH = re.compile(r"/v1/files/([0-9a-f]{32})")
"""Open to an address whose signature is good, or was: past its life it says so."""
CALLER = "h2serve.caller"
"""Where the scope has the caller."""
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_NO_KEY = "an API key is missing, allowed is 'Authorization: Bearer KEY' or 'x-key: KEY'"


@dataclass(frozen=True)
class Guard:
    """``keys`` None lets everybody in; ``signer`` knows good addresses of files.

    ``metrics_token``, where there is one, is good for the metrics only. ``pages`` are the paths of static files.
    """

    app: ASGIApp
    keys: KeyStore | None
    signer: UrlSigner
    metrics_token: str = ""
    pages: Collection[str] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                scope[CALLER] = await self._caller(scope)
            except ServerError as error:
                scope[NOTES]["error"] = error.code
                await from_server_error(error)(scope, receive, send)
                return
        if scope["type"] == "websocket":  # there are none, and none is to come in past the guard
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        """Raises NotAllowed, which says nothing of what is or is not there, and NotReady without a key store."""
        path = scope["path"]
        if self.keys is None or path in OPEN_PATHS or path in self.pages or self._is_signed(scope):
            return NOBODY_IN_PARTICULAR
        secret = secret_of(Headers(scope=scope))
        if secret is None:
            raise NotAllowed(_NO_KEY)
        if path == METRICS_PATH and self.metrics_token and same(secret, self.metrics_token):
            return NOBODY_IN_PARTICULAR
        key = await self.keys.find(secret)
        if key is None or (path == METRICS_PATH and not key.caller.is_admin):
            raise NotAllowed("the API key is not good here")
        return key.caller

    def _is_signed(self, scope: Scope) -> bool:
        found = FILE_PATH.fullmatch(scope["path"])
        query = QueryParams(scope["query_string"])
        return found is not None and self.signer.judge(found.group(1), query) is not Grant.WRONG


def secret_of(headers: Headers) -> str | None:
    """The key as OpenAI's clients send it, or as BFL's do."""
    found = _BEARER.fullmatch(headers.get("authorization", ""))
    return found.group(1) if found else headers.get("x-key") or None


def same(one: str, other: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def caller_of(scope: Mapping[str, object]) -> Caller:
    """The caller that the guard let in."""
    caller = scope[CALLER]
    assert isinstance(caller, Caller)
    return caller
