"""One job's events in memory: capped, with ids that count, and a bell for those who wait for the next."""

import asyncio
from collections import deque

from server.jobs.event import Happening, JobEvent


class EventLog:
    """The last ``most`` events. ``seen`` positions are numbers of events told."""

    def __init__(self, most: int) -> None:
        self._events: deque[JobEvent] = deque(maxlen=most)
        self._told = 0
        self._bell = asyncio.Event()

    def tell(self, what: Happening) -> None:
        """Append, and wake the watchers."""
        self._told += 1
        self._events.append(JobEvent(str(self._told), what))
        self.ring()

    def ring(self) -> None:
        """Wake the watchers."""
        self._bell.set()
        self._bell = asyncio.Event()

    def since(self, seen: int) -> list[JobEvent]:
        """The events behind the first ``seen`` ones, as far as they are still kept."""
        return [event for event in self._events if int(event.id) > seen]

    async def next(self) -> None:
        """Return at the next event or ring."""
        await self._bell.wait()
