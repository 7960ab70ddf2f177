"""What may be told of a request as a trace, whether or not anybody listens."""

from collections.abc import Mapping
from typing import Protocol

from server.request import ImageResult


class RequestSpan(Protocol):
    """A request under way."""

    @property
    def traceparent(self) -> str | None:
        """The W3C header that makes what a worker tells a part of this; None when nobody listens."""
        ...

    def end(self, attributes: Mapping[str, str | int | float]) -> None:
        """The request was answered."""
        ...


class Traces(Protocol):
    """Told by API and worker; never waits and never raises."""

    def begin(self, method: str, traceparent: str | None) -> RequestSpan:
        """A request came in, perhaps with the header of a client that traces too."""
        ...

    def image(self, traceparent: str | None, image: ImageResult) -> None:
        """An image is done now: its stages become parts of the request's trace. Without one they are not told."""
        ...

    def close(self) -> None:
        """Send what is left."""
        ...


class NoSpan:
    """A request that nobody traces."""

    traceparent: str | None = None

    def end(self, attributes: Mapping[str, str | int | float]) -> None:
        """Nothing."""


class NoTraces:
    """Nobody listens."""

    def begin(self, method: str, traceparent: str | None) -> RequestSpan:
        """See Traces."""
        return NoSpan()

    def image(self, traceparent: str | None, image: ImageResult) -> None:
        """See Traces."""

    def close(self) -> None:
        """See Traces."""
