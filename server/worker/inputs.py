"""A taken job's input images: without them there is nothing to order."""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from server.results.inputs import fetch_inputs
from server.results.interface import ResultStore
from server.worker.ending import Ending
from server.worker.patience import GONE
from server.worker.running import Running

INPUTS_GONE = "the input image is no longer stored"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """``start`` runs a task: how a job ends may have to wait for the queue."""

    results: ResultStore
    ending: Ending
    start: Callable[[Coroutine[Any, Any, None]], None]

    async def take_up(self, job: Running) -> None:
        """Fetch them. A job whose images are no longer there fails; one whose store is away is handed back."""
        if job.lease.job.request.inputs is None:
            return
        try:
            files = await fetch_inputs(self.results, job.lease.job.request)
        except GONE:
            log.warning("the input images of job %s cannot be had, it is handed back", job.id)
            self.start(self.ending.give_back([job]))
            return
        if files is None:
            self.start(self.ending.fail(job, INPUTS_GONE))
        job.files = files
