"""The distributed mode in the test's process: a real Redis, an API and a worker, each with its own connections."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from server.app_engine import LoadEngine
from server.app_models import served_models, served_profile
from server.cluster.api_server import ApiServer
from server.cluster.stores import open_stores
from server.cluster.worker_server import WorkerServer
from server.http_server import http_config
from server.jobs.event import JobState
from server.serve import QuietServer, open_socket
from server.worker.worker import Worker
from tests.live import settings_for_tests
from tests.plain_http import client_of
from tests.redis_server import redis_server


@contextlib.contextmanager
def live_cluster(load_engine: LoadEngine, **changes: Any) -> Iterator[httpx.Client]:
    """A client of a ready API whose jobs a worker takes from Redis."""
    with redis_server(appendonly="no") as redis:
        settings = settings_for_tests(redis=redis.url, **changes)
        listening, port_of_worker = open_socket("127.0.0.1", 0), open_socket("127.0.0.1", 0)
        ready, stop = threading.Event(), threading.Event()

        async def run() -> None:
            def ignore(end: JobState) -> None:
                """Of metrics' interest only."""

            profile, engine = served_profile(settings), load_engine()
            stores = open_stores(settings, ignore)
            serving = WorkerServer(settings, profile, stores, load_engine, port_of_worker, CollectorRegistry())
            worker = Worker(serving._parts(engine))
            working = asyncio.create_task(worker.run())
            api = ApiServer(settings, served_models(settings), open_stores(settings, ignore), CollectorRegistry())
            http = QuietServer(http_config(api.api(), settings.head_timeout_s))
            answering = asyncio.create_task(http.serve(sockets=[listening]))
            try:
                await api.start()
                while api._not_ready() is not None:
                    await asyncio.sleep(0.05)
                ready.set()
                await asyncio.to_thread(stop.wait)
            finally:
                await api.drain()
                http.should_exit = True
                await answering
                await asyncio.to_thread(engine.stop, 0.0)
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await stores.close()
                port_of_worker.close()

        thread = threading.Thread(target=asyncio.run, args=(run(),))
        thread.start()
        try:
            assert ready.wait(60)
            port = listening.getsockname()[1]
            with client_of(f"http://127.0.0.1:{port}") as client:
                yield client
        finally:
            stop.set()
            thread.join()
