"""One line of JSON a request: what was asked, what came of it, and never a prompt unless the settings say so."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.request import Job, JobResult

NOTES = "h2serve.notes"
"""Under this key of the ASGI scope a route leaves what the line shall say of it."""
PROBES = ("/livez", "/readyz", "/startupz", "/metrics")
"""Asked each few seconds by machines; only a failing one is news, and to those who ask."""


@dataclass(frozen=True, slots=True)
class RequestLog:
    """``write`` takes a line without its end; ``wall_clock`` gives seconds since 1970."""

    write: Callable[[str], None]
    wall_clock: Callable[[], float]

    def request_done(
        self, request_id: str, method: str, route: str, code: int, seconds: float, notes: Mapping[str, Any]
    ) -> None:
        """Write the line of an answered request that is no probe."""
        if route in PROBES:
            return
        line = {
            "time": round(self.wall_clock(), 3),
            "request_id": request_id,
            "method": method,
            "route": route,
            "code": code,
            "seconds": round(seconds, 4),
            **notes,
        }
        self.write(json.dumps(line, separators=(",", ":")))


def notes_of_job(job: Job, with_prompt: bool) -> dict[str, Any]:
    """What was asked for."""
    request, cache = job.request, job.request.cache
    notes: dict[str, Any] = {
        "job_id": job.id,
        "model": request.model,
        "size": f"{request.width}x{request.height}",
        "images": request.num_images,
        "steps": request.steps,
        "seed": request.seed,
        "preset": cache.preset,
        "cache_method": cache.method,
        "tau1": cache.tau1,
        "tau2": cache.tau2,
    }
    return {**notes, "prompt": request.prompt} if with_prompt else notes


def notes_of_result(result: JobResult) -> dict[str, Any]:
    """Steps by outcome over all images, and the milliseconds of the last one."""
    counts = [image.counts for image in result.images]
    return {
        **{
            name: sum(getattr(count, name) for count in counts)
            for name in ("full", "detail_hits", "structure_hits")
        },
        **{
            f"{stage}_ms": round(getattr(result.timings, f"{stage}_ms"), 1)
            for stage in ("queue", "encode", "denoise", "decode")
        },
    }
