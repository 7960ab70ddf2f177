"""Connections to Redis, first come, first served."""

import asyncio
from typing import Any

import redis.exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection


class FairPool(ConnectionPool):
    """At most ``max_connections``; whoever finds all of them busy waits for one, no longer than ``wait_s``.

    redis-py's ``BlockingConnectionPool`` wakes those who wait in their order, but who asks just then is quicker:
    under load a few wait until their time is over.
    """

    def __init__(self, *, max_connections: int, wait_s: float, **options: Any) -> None:
        super().__init__(max_connections=max_connections, **options)
        self._wait_s = wait_s
        self._turns = asyncio.Semaphore(max_connections)

    async def get_connection(
        self, command_name: str | None = None, *keys: Any, **options: Any
    ) -> AbstractConnection:
        """Raises redis-py's ConnectionError when none became free in time."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turns.acquire()
        except TimeoutError as error:
            raise redis.exceptions.ConnectionError(f"no connection was free for {self._wait_s:g} s") from error
        connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]  # redis-py's own
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """The connection is free, or gone where this is cancelled: the turn is free either way."""
        try:
            await super().release(connection)
        finally:
            self._in_use_connections.discard(connection)
            self._turns.release()
