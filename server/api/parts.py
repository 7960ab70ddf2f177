"""Everything the API needs, in one place; the composition root fills it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from server.access.access import Access
from server.api.background import Background
from server.api.sizes import SizePolicy
from server.api.url_signer import UrlSigner
from server.catalogue import Catalogue
from server.jobs.interface import JobQueue
from server.metrics.api import ApiMetrics
from server.pair_stats.interface import PairStats
from server.playground.files import StaticFile
from server.profile import ModelProfile
from server.results.interface import ResultStore
from server.traces.interface import NoTraces, Traces
from server.webhooks.webhooks import Webhooks

SUBMITS_AT_ONCE = 8
"""Of an API process: one less than its connections for commands of the queue, so that the watch finds one free."""


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Bounds on what a client may send: characters, bytes, images, seconds; how long input images are kept; and
    whether the log may show a prompt."""

    prompt_limit: int
    body_limit_bytes: int
    max_queue: int
    log_prompts: bool = False
    body_timeout_s: float = 60.0
    upload_limit_bytes: int = 32 * 2**20
    upload_limit_pixels: int = 2**24
    input_ttl_s: float = 3600.0
    size_policy: SizePolicy = "reject"


@dataclass(frozen=True, slots=True)
class ApiParts:
    """``clock`` gives monotonic seconds, ``wall_clock`` seconds since 1970, ``not_ready`` the reason or None.
    ``not_accepting`` is the reason for which new requests are refused, which may be none while nobody works yet.

    ``public_url`` is what the addresses in answers begin with, empty for the host that the client called. Streams
    show a sign of life each ``heartbeat_s``. ``pages`` are static files by their paths, open to everybody.
    ``images_per_s`` is the rate of a model's workers, or of all, ``most_pixels`` the largest image that one of a
    model can hold, None without a bound. ``webhooks`` is None where they are off. ``submitting`` bounds how many
    speak with the queue's store at once.
    """

    catalogue: Catalogue
    limits: ApiLimits
    queue: JobQueue
    results: ResultStore
    metrics: ApiMetrics
    render_metrics: Callable[[], Awaitable[bytes]]
    pair_stats: PairStats
    log_line: Callable[[str], None]
    access: Access
    signer: UrlSigner
    background: Background
    public_url: str
    heartbeat_s: float
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    new_seed: Callable[[], int]
    new_id: Callable[[], str]
    images_per_s: Callable[[str | None], float | None]
    most_pixels: Callable[[str], int | None]
    has_started: Callable[[], bool]
    not_ready: Callable[[], str | None]
    not_accepting: Callable[[], str | None]
    pages: Mapping[str, StaticFile]
    traces: Traces = field(default_factory=NoTraces)
    webhooks: Webhooks | None = None
    submitting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SUBMITS_AT_ONCE))

    @property
    def profile(self) -> ModelProfile:
        """The model of a request that names none."""
        return self.catalogue.default
