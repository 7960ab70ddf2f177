"""What a job's end means: a result, or one of our errors."""

from server.errors import JobCancelled, JobDead, JobExpired, JobFailed, ServerError, UnknownPrompt
from server.jobs.event import Ended, JobState
from server.request import JobResult

_ERRORS: dict[JobState, type[ServerError]] = {
    JobState.FAILED: JobFailed,
    JobState.CANCELLED: JobCancelled,
    JobState.EXPIRED: JobExpired,
    JobState.DEAD: JobDead,
}


def error_of(state: JobState, message: str | None) -> ServerError | None:
    """The error of a job that ended without a result, None for the other states."""
    if state is JobState.FAILED and message == UnknownPrompt.WORDS:
        return UnknownPrompt()
    kind = _ERRORS.get(state)
    return None if kind is None else kind(message or f"the job is {state}")


def result_from(end: Ended) -> JobResult:
    """The result. Raises the error that the end stands for."""
    error = error_of(end.state, end.error)
    if error is not None:
        raise error
    if end.result is None:
        raise JobFailed("the image could not be made")
    return end.result
