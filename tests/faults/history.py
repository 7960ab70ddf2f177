"""What happened to each job of a run, and the rules that hold whatever was killed meanwhile."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

UNFINISHED = (
    "*:lock",
    "*:active",
    "*:prioritized",
    "*:wait",
    "*:stalled",
    "*:deadlines",
    "*:hangups",
    "*:waiting",
    "*:at:*",
    "*:fair:*",
    "*:urgent:*",
    "*:waiters:*",
    "*/checkpoint/*",
    "*/in/*",
)
"""Patterns of keys that exist only while a job waits or is held."""
ENDS = ("finished", "failed", "cancelled", "expired", "dead")
LOST = "lost"
"""What a client is told where Redis has forgotten its job."""


@dataclass
class History:
    """A log of one run. A job's id is what the client calls it; ``ends`` may name one more than once."""

    submitted: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    ends: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Job, terminal state, sha256 of what the client got or None."""

    def submit(self, job_id: str) -> None:
        """It is about to be asked for."""
        self.submitted.append(job_id)

    def acknowledge(self, job_id: str) -> None:
        """The server has accepted it."""
        self.acknowledged.append(job_id)

    def end(self, job_id: str, state: str, sha256: str | None = None) -> None:
        """A client was told its end."""
        self.ends.append((job_id, state, sha256))


def faults_of(history: History, depth: int, keys: Iterable[str], may_lose: bool = False) -> list[str]:
    """What is wrong with a run that is over; empty when every promise was kept.

    ``depth`` is the queue's count of images that wait or run, ``keys`` are all that Redis holds. Where Redis
    itself loses what it had, ``may_lose``, a client who is told so has had its answer.
    """
    wrong = [f"{job_id} was acknowledged {n} times" for job_id, n in _repeated(history.acknowledged)]
    for job_id in dict.fromkeys(history.acknowledged):
        states = {state for ended, state, _ in history.ends if ended == job_id}
        hashes = {sha256 for ended, _, sha256 in history.ends if ended == job_id and sha256 is not None}
        if not states or (LOST in states and not may_lose):
            wrong.append(f"{job_id} was acknowledged and is lost")
        if len(states) > 1:
            wrong.append(f"{job_id} ended as {', '.join(sorted(states))}")
        if len(hashes) > 1:
            wrong.append(f"{job_id} has {len(hashes)} results")
        if "finished" in states and not hashes:
            wrong.append(f"{job_id} finished without a result")
    unknown = {job_id for job_id, _, _ in history.ends} - set(history.submitted)
    wrong += [f"{job_id} ended and was never submitted" for job_id in sorted(unknown)]
    if depth:
        wrong.append(f"{depth} images are left in the queue's count")
    wrong += [f"{key} is left" for key in keys if any(fnmatchcase(key, pattern) for pattern in UNFINISHED)]
    return wrong


def is_a_losers_checkpoint(key: str, result: str) -> bool:
    """True for a checkpoint's ``key`` whose holder made none of the images that the job's ``result`` names.

    Both keys end with the token of their holder's lease: ``JOB/0/checkpoint/TOKEN`` and ``JOB/0/TOKEN``.
    """
    image, is_checkpoint, token = key.removeprefix("h2serve:results:").partition("/checkpoint/")
    return bool(is_checkpoint) and f"{image}/{token}" not in result


def _repeated(job_ids: Sequence[str]) -> list[tuple[str, int]]:
    return [(job_id, n) for job_id, n in Counter(job_ids).items() if n > 1]
