"""Everything that the API needs to know of who may call it."""

from dataclasses import dataclass

from server.access.rates import Rates
from server.access.store import KeyStore


@dataclass(frozen=True, slots=True)
class Access:
    """``keys`` None lets everybody in; ``metrics_token`` is good for the metrics only.

    ``cors_origins`` are those whose pages a browser lets read the answers.
    """

    rates: Rates
    keys: KeyStore | None = None
    metrics_token: str = ""
    cors_origins: tuple[str, ...] = ()
