"""How long a job will still take: a pure rule on what was measured."""

from server.jobs.status import JobStatus


def seconds_left(status: JobStatus, images_before: int, images_per_s: float | None, now_ms: int) -> float | None:
    """None when nothing was measured yet; 0 for a job that has ended.

    A job that steps goes on as it has stepped so far. One that waits has ``images_before`` images before it, which
    leave at ``images_per_s`` as its own then do.
    """
    if status.state.is_terminal:
        return 0.0
    if status.started_ms is not None and status.position is None and 0 < status.step <= status.num_steps:
        a_step_ms = max(0, now_ms - status.started_ms) / status.step
        return a_step_ms * (status.num_steps - status.step) / 1000
    if images_per_s is None or images_per_s <= 0:
        return None
    return (images_before + status.num_images) / images_per_s
