"""The pairs' figures in Redis: fed by every worker, the same from every API."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from server.errors import StorageFull, StorageUnreachable
from server.pair_stats.figures import Figures
from server.pair_stats.interface import LISTED, FinishedJob, PairKey, PairReport
from server.pair_stats.quantiles import Durations
from server.redis_link import plain_errors

PREFIX = "h2serve:{pairs}:"
"""Under it a list of all jobs and one a tenant, each of: ranks, since, other, and a hash a listed pair."""
LIFE_S = 90 * 24 * 3600
"""Of a key that is not touched: those of a tenant that is gone go too."""
DURATION = "d:"
"""Begins the fields that count durations by bucket."""
log = logging.getLogger(__name__)
COUNTS = ("count", "full", "detail_hits", "structure_hits", "blocks_run", "blocks_total")


class RedisPairStats:
    """See PairStats and TopPairs. ``client`` is a redis.asyncio client, of bytes or text; its owner closes it.

    These are statistics: a record whose answer was lost may be counted twice, and one that Redis does not take is
    let go, so that a job's end does not wait for it.
    """

    def __init__(self, client: Any, prefix: str = PREFIX, listed: int = LISTED) -> None:
        self._prefix, self._listed = prefix, listed
        self._record, self._report = (client.register_script(_script(name)) for name in ("record", "report"))

    async def record(self, job: FinishedJob) -> None:
        """See PairStats."""
        figures = Figures()
        figures.add(job.counts, job.seconds)
        args = [json.dumps(job.key), self._listed, LIFE_S, *_fields(figures)]
        try:
            with plain_errors():
                await self._record(keys=[self._base(None), self._base(job.tenant)], args=args)
        except (StorageUnreachable, StorageFull) as error:
            log.warning("a finished job is missing in the figures of its thresholds: %s", error.message)

    async def report(self, tenant: str | None = None) -> PairReport:
        """See PairStats."""
        with plain_errors():
            since, other, pairs = await self._report(keys=[self._base(tenant)])
        read = [(PairKey(*json.loads(pair)), _figures(sums)) for pair, sums in pairs if sums]
        read.sort(key=lambda item: -item[1].count)
        return PairReport(float(since), _figures(other), tuple(read))

    def _base(self, tenant: str | None) -> str:
        return f"{self._prefix}all:" if tenant is None else f"{self._prefix}tenant:{tenant}:"


def _script(name: str) -> str:
    return (files("server.pair_stats") / "scripts" / f"{name}.lua").read_text()


def _fields(figures: Figures) -> Iterator[str | float]:
    """Field and amount by turns."""
    for name in (*COUNTS, "seconds"):
        yield from (name, getattr(figures, name))
    for bucket, count in figures.durations.buckets.items():
        yield from (f"{DURATION}{bucket}", count)


def _figures(sums: Sequence[bytes | str]) -> Figures:
    """What ``_fields`` wrote, summed up."""
    texts = [text.decode() if isinstance(text, bytes) else text for text in sums]
    by_field = dict(zip(texts[::2], map(float, texts[1::2]), strict=True))
    buckets = {
        int(name.removeprefix(DURATION)): int(n) for name, n in by_field.items() if name.startswith(DURATION)
    }
    counts = {name: int(by_field.get(name, 0)) for name in COUNTS}
    return Figures(**counts, seconds=by_field.get("seconds", 0.0), durations=Durations(Counter(buckets)))
