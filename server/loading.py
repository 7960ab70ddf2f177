"""A model loads beside the event loop, and a process that is told to leave does not wait for it."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
LOADER = "load"
"""The name of the thread."""


async def in_daemon_thread(call: Callable[[], T]) -> T:
    """What ``call`` returns or raises. Unlike a pool's thread, this one does not keep a process from ending."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(call())
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name=LOADER, daemon=True).start()
    return await asyncio.wrap_future(outcome)


def run_and_leave(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end. Where a model is loading even then, the process ends here, with exit code 0.

    Python's own end would take its lock from the loader in the middle of torch's C++, which aborts the process:
    "terminate called without an active exception", and 134 in place of 0.
    """
    asyncio.run(main)
    if any(thread.name == LOADER for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
