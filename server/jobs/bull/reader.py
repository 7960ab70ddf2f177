"""One reader for all of a process's watchers: two connections, however many jobs are watched.

Redis tells over one subscription which log has grown; what it says there is read in one pipeline for all who
watch. A subscription may lose messages, so that each second everything that is watched is looked at anyway.
"""

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.errors import JobLost

LOOK_EACH_S = 1.0
START = "0-0"
log = logging.getLogger(__name__)


@dataclass(eq=False)
class Watcher:
    """Who watches: ``last`` is the entry seen last; what has been read since waits in ``read``."""

    job_id: str
    last: str
    read: deque[tuple[str, str]] = field(default_factory=deque)
    looked: bool = False
    over: bool = False
    lost: bool = False
    bell: asyncio.Event = field(default_factory=asyncio.Event)


class LogReader:
    """Over a client of its own pool; starts with the first watcher, ends with ``close``."""

    def __init__(self, client: Redis, base: str) -> None:
        self._client, self._base = client, base
        self._watchers: dict[str, set[Watcher]] = {}
        self._fresh: set[Watcher] = set()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    async def entries(self, job_id: str, after: str | None) -> AsyncIterator[tuple[str, str]]:
        """Id and text of each entry behind ``after``. Ends with the closing, or when nothing more can come.

        Raises JobLost when the job was known and is no longer.
        """
        known = after is not None and re.fullmatch(r"\d+-\d+", after)
        watcher = Watcher(job_id, after if after and known else START)
        self._watchers.setdefault(job_id, set()).add(watcher)
        self._look_at(watcher)
        try:
            while not self._closed:
                await watcher.bell.wait()
                watcher.bell.clear()
                while watcher.read:
                    yield watcher.read.popleft()
                if watcher.lost:
                    raise JobLost("the job was accepted, but the queue's store has lost it")
                if watcher.over:
                    return
        finally:
            self._leave(watcher)

    def _leave(self, watcher: Watcher) -> None:
        beside = self._watchers[watcher.job_id]
        beside.discard(watcher)
        self._fresh.discard(watcher)
        if not beside:
            del self._watchers[watcher.job_id]

    def _look_at(self, *watchers: Watcher) -> None:
        self._fresh.update(watchers)
        self._news.set()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read())]

    def _look_at_all(self) -> None:
        self._fresh.update(*self._watchers.values())

    async def _listen(self) -> None:
        """Note whose log has grown; a broken subscription is made again."""
        while not self._closed:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as told:
                    await told.subscribe(f"{self._base}told")
                    while not self._closed:
                        message = await told.get_message(timeout=LOOK_EACH_S)
                        if message is not None:
                            self._look_at(*self._watchers.get(message["data"], ()))
            except (RedisError, OSError):
                log.warning("the subscription to the jobs' logs broke", exc_info=True)
                await asyncio.sleep(LOOK_EACH_S)

    async def _read(self) -> None:
        """What is new at once, and everything each second, also where something is new all the time."""
        clock = asyncio.get_running_loop().time
        look_at_s = clock() + LOOK_EACH_S
        while not self._closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(look_at_s):
                    await self._news.wait()
            if clock() >= look_at_s:
                self._look_at_all()
                look_at_s = clock() + LOOK_EACH_S
            self._news.clear()
            watchers, self._fresh = list(self._fresh), set()
            try:
                await self._read_for(watchers)
            except (RedisError, OSError):
                log.warning("the jobs' logs could not be read", exc_info=True)
                await asyncio.sleep(LOOK_EACH_S)

    async def _read_for(self, watchers: list[Watcher]) -> None:
        """The record before the log: what has ended by then has its end in the log."""
        if not watchers:
            return
        pipeline = self._client.pipeline(transaction=False)
        for watcher in watchers:
            pipeline.hmget(f"{self._base}job:{watcher.job_id}", "state", "ended")
            pipeline.xrange(f"{self._base}ev:{watcher.job_id}", f"({watcher.last}", "+")
        answers = await pipeline.execute()
        for watcher, (state, ended), found in zip(watchers, answers[::2], answers[1::2], strict=True):
            for entry_id, fields in found:
                watcher.last = entry_id
                watcher.read.append((entry_id, fields["e"]))
            watcher.over = ended is not None or state is None
            watcher.lost = state is None and watcher.looked
            watcher.looked = True
            if found or watcher.over:
                watcher.bell.set()

    async def close(self) -> None:
        """All watching ends. The loops look at ``_closed`` too, since redis-py may swallow a cancellation."""
        self._closed = True
        for beside in self._watchers.values():
            for watcher in beside:
                watcher.bell.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
