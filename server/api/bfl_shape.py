"""A job in the words of BFL's API."""

from typing import Any

from server.api.url_signer import UrlSigner
from server.jobs.event import JobState
from server.jobs.status import JobStatus

NOT_FOUND, PENDING, READY, ERROR = "Task not found", "Pending", "Ready", "Error"


def shape_result(status: JobStatus, signer: UrlSigner, base: str) -> dict[str, Any]:
    """``sample`` is an address that is signed and good for a while."""
    return {
        "id": status.job_id,
        "status": word_of(status.state),
        "result": _result(status, signer, base),
        "progress": progress_of(status),
        "details": None if status.error is None else {"error": status.error},
    }


def word_of(state: JobState) -> str:
    """Every end but the good one is an error."""
    if state is JobState.FINISHED:
        return READY
    return ERROR if state.is_terminal else PENDING


def progress_of(status: JobStatus) -> float | None:
    """The share of the steps done; null before the first."""
    if status.state is JobState.FINISHED:
        return 1.0
    return round(status.step / status.num_steps, 4) if status.num_steps else None


def _result(status: JobStatus, signer: UrlSigner, base: str) -> dict[str, Any] | None:
    if status.job is None or status.result is None:
        return None
    image, request = status.result.images[0], status.job.request
    return {
        "sample": base + signer.path(status.job_id, image.index),
        "prompt": request.prompt,
        "seed": image.seed,
        "start_time": (status.started_ms or status.submitted_ms) / 1000,
        "end_time": (status.ended_ms or status.submitted_ms) / 1000,
        "duration": round(status.result.timings.total_ms / 1000, 3),
    }
