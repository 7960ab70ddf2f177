"""What a client is told of an end that no worker gave a reason for."""

from server.jobs.redelivery import MOST_DEATHS

CANCELLED = "the job was cancelled"
HUNG_UP = "the client hung up"
DEAD = f"the job was lost with its worker {MOST_DEATHS} times"


def expired(deadline_ms: int | str | None) -> str:
    """The deadline is the client's own number."""
    return f"the job waited longer than its deadline of {deadline_ms} ms"
