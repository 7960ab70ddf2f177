"""Previews to the store and into the job's log, in order, and before the image that they lead to."""

import logging
from dataclasses import dataclass

from server.engine.interface import SamplePreviewed
from server.jobs.event import PartialImage
from server.results.interface import ResultStore
from server.worker.reporting import Reporting
from server.worker.running import Running

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Previews:
    """``ttl_s`` is a preview's life."""

    results: ResultStore
    reporting: Reporting
    ttl_s: float

    async def show(self, job: Running, index: int, event: SamplePreviewed) -> None:
        """Bytes first, then the announcement. One that cannot be kept is left out."""
        async with job.showing:
            key = f"{job.id}/{index}/preview/{event.number}/{job.lease.token}"
            try:
                await self.results.put(key, event.image, self.ttl_s)
            except Exception as error:
                log.warning("a preview of job %s could not be kept: %s", job.id, error)
                return
            job.unshown.append(PartialImage(index, key, event.number))
            self.reporting.note(job)
            await self.reporting.publish()
