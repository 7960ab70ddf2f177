"""What came of one request."""

from dataclasses import dataclass, replace
from enum import StrEnum


class End(StrEnum):
    """How a request ended: with an image, refused for lack of room (429), or any other way."""

    IMAGE = "image"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Work:
    """What the server says that it did, where it says so: blocks run and blocks of an uncached run."""

    blocks_run: int
    blocks_total: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A read answer. ``status`` is 0 where none came; ``error`` is short and empty for an image."""

    status: int
    image: bytes | None = None
    work: Work | None = None
    error: str = ""

    @property
    def end(self) -> End:
        """Which of the three."""
        if self.image is not None:
            return End.IMAGE
        return End.REFUSED if self.status == 429 else End.FAILED


@dataclass(frozen=True, slots=True)
class Outcome:
    """Times in seconds from the run's start. ``megapixel_steps`` is the size of the work, None if not said."""

    index: int
    label: str
    due_s: float
    sent_s: float
    ended_s: float
    reply: Reply
    megapixel_steps: float | None

    @property
    def latency_s(self) -> float:
        """From when the request was due: a generator that sends late must not make the server look good."""
        return self.ended_s - self.due_s

    @property
    def lag_s(self) -> float:
        """How late it was sent."""
        return self.sent_s - self.due_s

    def without_image(self) -> "Outcome":
        """The same end, without the bytes."""
        image = None if self.reply.image is None else b""
        return replace(self, reply=replace(self.reply, image=image))
