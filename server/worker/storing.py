"""An image's bytes to the store, before anybody is told of them."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from server.engine.interface import SampleFinished
from server.errors import StorageFull
from server.request import ImageResult, Timings
from server.results.interface import ResultStore
from server.worker.patience import repeat
from server.worker.running import Running

log = logging.getLogger(__name__)


class NoRoom(Exception):
    """The store had no room for as long as it was waited for."""


@dataclass(frozen=True)
class Storing:
    """``ttl_s`` is a result's life. A full store is asked for ``patience_s``, one that is gone for ever."""

    results: ResultStore
    is_ours: Callable[[Running], bool]
    clock: Callable[[], float]
    ttl_s: float
    patience_s: float

    async def image(self, job: Running, index: int, event: SampleFinished) -> ImageResult:
        """Store the bytes under a key with the lease's token: a stale holder writes beside the new one.

        Raises what keeps them from being stored, if it is not that the store is gone for a while.
        """
        key, until_s = f"{job.id}/{index}/{job.lease.token}", self.clock() + self.patience_s

        async def put() -> None:
            try:
                await self.results.put(key, event.image, self.ttl_s)
            except StorageFull as error:
                if self.clock() >= until_s:
                    raise NoRoom(f"no room for {len(event.image)} bytes in {self.patience_s} s") from error
                raise

        await repeat(put, lambda: self.is_ours(job))
        return ImageResult(
            index,
            job.lease.job.request.seed + index,
            key,
            event.counts,
            timings_of(job, event, self.clock()),
            event.text_tokens,
            hashlib.sha256(event.image).hexdigest(),
            job.resumed.get(index),
        )

    async def forget(self, keys: list[str]) -> None:
        """Delete blobs; what cannot be deleted now expires by itself."""
        try:
            await self.results.delete(*keys)
        except Exception:
            log.warning("%d blobs could not be deleted, they expire by themselves", len(keys))


def timings_of(job: Running, event: SampleFinished, now_s: float) -> Timings:
    """Queueing is all of the time since the submit that the engine does not account for."""
    total_ms = job.lease.waited_ms + 1000 * (now_s - job.taken_s)
    worked_ms = event.encode_ms + event.denoise_ms + event.decode_ms
    return Timings(
        queue_ms=max(0.0, total_ms - worked_ms),
        encode_ms=event.encode_ms,
        denoise_ms=event.denoise_ms,
        decode_ms=event.decode_ms,
        total_ms=total_ms,
    )
