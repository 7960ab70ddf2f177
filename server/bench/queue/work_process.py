"""``python -m server.bench.queue.work_process URL``: a process with one work loop, a job being one step."""

import asyncio
import os
import signal
import sys

from server.bench.queue.jobs import new_tokens
from server.bench.queue.work_loop import WorkLoop
from server.jobs.bull.queue import RedisQueue
from server.redis_link import open_redis, read_address
from server.results.redis import RedisResults


async def work(url: str) -> None:
    """Says ``ready`` when it takes jobs; SIGTERM ends it."""
    address, name = read_address(url), f"bench-{os.getpid()}"
    queue, results = RedisQueue(address, new_tokens(name)), RedisResults(open_redis(address, 3))
    working = asyncio.create_task(WorkLoop(queue, results, name, lambda: 1, lambda samples: 0.0).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.wait({working})
    await queue.close()
    await results.close()
    if not working.cancelled():
        working.result()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
