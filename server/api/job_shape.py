"""A job as JSON."""

from dataclasses import asdict
from typing import Any

from server.api.ends import error_of
from server.api.envelope import object_of
from server.jobs.status import JobStatus


def shape_job(status: JobStatus, seconds_left: float | None, base: str) -> dict[str, Any]:
    """All but its result. Times are seconds since 1970; ``base`` is what its addresses begin with."""
    address = f"{base}/v1/jobs/{status.job_id}"
    error = error_of(status.state, status.error)
    return {
        "id": status.job_id,
        "object": "job",
        "state": status.state.value,
        "model": status.model,
        "n": status.num_images,
        "submitted_at": _seconds(status.submitted_ms),
        "started_at": _seconds(status.started_ms),
        "ended_at": _seconds(status.ended_ms),
        "expires_at": _seconds(status.deadline_ms),
        "queue_position": status.position,
        "attempt": status.attempt,
        "step": status.step,
        "num_steps": status.num_steps,
        "seconds_left": None if seconds_left is None else round(seconds_left, 2),
        "cache": asdict(status.counts),
        "error": None if error is None else object_of(error),
        "status_url": address,
        "response_url": f"{address}/result",
        "events_url": f"{address}/events",
        "cancel_url": f"{address}/cancel",
    }


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
