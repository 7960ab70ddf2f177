"""A ChaosProxy before a port of this machine, in a thread of its own, for tests that wait in turn."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.cluster.processes import Cluster, cluster
from tests.faults.proxy import ChaosProxy
from tests.redis_server import RedisServer, redis_server


class FaultyLink:
    """Speaks to the proxy on its own loop, where everything of it lives."""

    def __init__(self, proxy: ChaosProxy, loop: asyncio.AbstractEventLoop) -> None:
        self.proxy, self._loop = proxy, loop

    @property
    def redis_url(self) -> str:
        """The same Redis through the proxy."""
        return f"redis://127.0.0.1:{self.proxy.port}/0"

    def freeze(self) -> None:
        """A partition begins: links stay, nothing arrives."""
        self._tell(self.proxy.freeze)

    def thaw(self) -> None:
        """It ends, and what was sent meanwhile arrives."""
        self._tell(self.proxy.thaw)

    def cut(self) -> None:
        """Reset all links; new ones are served."""
        self._tell(self.proxy.cut)

    def _tell(self, what: Callable[[], None]) -> None:
        done = threading.Event()

        def tell() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(tell)
        assert done.wait(10)


@contextlib.contextmanager
def faulty_link(port: int) -> Iterator[FaultyLink]:
    """A proxy to that port of the loopback."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="faulty-link")
    thread.start()
    try:
        proxy = ChaosProxy(lambda: asyncio.open_connection("127.0.0.1", port))
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
        try:
            yield FaultyLink(proxy, loop)
        finally:
            asyncio.run_coroutine_threadsafe(proxy.close(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def linked_cluster(redis: RedisServer, home: Path | None = None) -> Iterator[tuple[Cluster, FaultyLink, str]]:
    """Processes whose results are in a Redis of their own, whose URL is the third, and a link to the queue's."""
    with (
        redis_server(appendonly="no") as store,
        faulty_link(redis.port) as link,
        cluster(redis.url, home, H2SERVE_RESULTS_REDIS=store.url) as processes,
    ):
        yield processes, link, store.url
