"""Tasks that run until they are cancelled."""

import asyncio


def goes_on() -> bool:
    """False once the running task was cancelled, also where a call has swallowed the cancellation.

    redis-py does so now and then, when it comes in the moment in which an answer comes.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() == 0
