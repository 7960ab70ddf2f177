"""How little of Redis the queue needs: connections and a user's rights."""

import asyncio

from server.jobs.bull.queue import BASE, RedisQueue
from server.jobs.event import JobState
from server.jobs.workers import WorkerInfo
from tests.jobs.contract.base import (
    DONE,
    MODEL,
    end_of,
    job,
    lease_of,
    put,
    step,
    take,
)
from tests.jobs.redis_process import RedisProcess
from tests.jobs.redis_scenario import run


def test_a_hundred_watchers_need_few_connections(durable: RedisProcess) -> None:
    async def scenario(queue: RedisQueue) -> None:
        names = [str(number) for number in range(100)]
        await put(queue, *map(job, names))
        watching = [asyncio.create_task(end_of(queue, name)) for name in names]
        answers = await asyncio.gather(*[queue.status(name) for name in names])
        assert all(answers)
        waiting = asyncio.create_task(queue.wait_for_work("flux-dev", 0.5))
        while leases := await take(queue, 100):
            await asyncio.gather(*[queue.finish(lease, DONE) for lease in leases])
        assert {end.state for end in await asyncio.gather(*watching)} == {JobState.FINISHED}
        clients = await queue._client.client_list()
        assert len(clients) <= 12
        await waiting

    run(durable, scenario)


def test_a_redis_user_without_dangerous_commands_and_with_our_keys_only_is_enough(durable: RedisProcess) -> None:
    rights = ["resetkeys", "resetchannels", f"~{BASE}*", f"&{BASE}*", "+@all", "-@admin", "-@dangerous"]

    async def scenario(queue: RedisQueue) -> None:
        await queue._client.execute_command("ACL", "SETUSER", "default", "on", "nopass", *rights)
        lease = await lease_of(queue, deadline_ms=60_000)
        watching = asyncio.create_task(end_of(queue, "a"))
        await step(queue, lease, 1)
        assert not (await queue.renew([lease])).gone
        assert await queue.release(lease)
        (lease,) = await take(queue)
        await queue.announce(WorkerInfo("w", MODEL, "1", 8), 1_000)
        await queue.sweep()
        await queue.wait_for_work(MODEL, 0.01)
        assert (await queue.depth()).images_running == 1
        assert await queue.list_jobs("anonymous", 9) and await queue.list_all(JobState, 9)
        assert await queue.finish(lease, DONE)
        assert (await watching).state is JobState.FINISHED
        assert await queue.retry_dead() == []

    run(durable, scenario)
