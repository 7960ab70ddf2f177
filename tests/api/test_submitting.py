"""Many submits at once: a few are under way, the others wait for their turn, but not for what is gone."""

import asyncio
from collections import Counter

import httpx
import pytest

from server.api.parts import SUBMITS_AT_ONCE
from server.catalogue import Catalogue
from server.jobs.memory import MemoryQueue
from server.jobs.submit import Bounds, Once, PutAnswer
from server.profile import load_profile
from server.request import Job
from tests.api.conftest import PROMPT
from tests.api.parts import api_parts, client_of, new_queue, next_lease


class SlowQueue(MemoryQueue):
    """Its submits take until ``go`` is set; ``most`` were under way at once."""

    under_way = most = 0

    def __init__(self) -> None:
        super().__init__(lambda: "token", lambda: 1000.0)
        self.go = asyncio.Event()

    async def put(
        self, job: Job, bounds: Bounds, once: Once | None = None, waiter: str | None = None
    ) -> PutAnswer:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.go.wait()
        self.under_way -= 1
        return await super().put(job, bounds, once, waiter)


async def submit_many(client: httpx.AsyncClient, count: int) -> Counter[int]:
    answers = await asyncio.gather(*[client.post("/v1/jobs", json={"prompt": PROMPT}) for _ in range(count)])
    return Counter(answer.status_code for answer in answers)


async def until_as_many_as_may_be(queue: SlowQueue) -> None:
    async with asyncio.timeout(20):
        while queue.under_way < SUBMITS_AT_ONCE:
            await asyncio.sleep(0.005)


def test_few_submits_are_under_way_at_once_and_all_have_their_turn() -> None:
    async def scenario() -> None:
        queue = SlowQueue()
        parts = api_parts(queue)
        async with client_of(parts) as client:
            submits = asyncio.create_task(submit_many(client, 2 * SUBMITS_AT_ONCE))
            await until_as_many_as_may_be(queue)
            await asyncio.sleep(0.05)
            queue.go.set()
            assert await submits == {202: 2 * SUBMITS_AT_ONCE}
        assert queue.most == SUBMITS_AT_ONCE
        await queue.close()
        await parts.background.close()

    asyncio.run(scenario())


def test_who_waits_for_a_turn_is_refused_when_the_store_is_gone_meanwhile() -> None:
    async def scenario() -> None:
        queue = SlowQueue()
        reasons: list[str] = []
        parts = api_parts(queue, not_ready=lambda: next(iter(reasons), None))
        async with client_of(parts) as client:
            submits = asyncio.create_task(submit_many(client, 2 * SUBMITS_AT_ONCE))
            await until_as_many_as_may_be(queue)
            await asyncio.sleep(0.05)
            reasons.append("Redis cannot be reached")
            queue.go.set()
            assert await submits == {202: SUBMITS_AT_ONCE, 503: SUBMITS_AT_ONCE}
        await queue.close()
        await parts.background.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("model", "guidance", "rows"),
    [("flux2-klein-base", 4.0, 2), ("flux2-klein-base", 1.0, 1), ("flux2-klein", 4.0, 1), ("flux2-dev", 4.0, 1)],
)
def test_a_job_costs_the_rows_that_its_model_takes_for_its_guidance(
    model: str, guidance: float, rows: int
) -> None:
    async def scenario() -> None:
        queue, served = new_queue(), load_profile(model).model_copy(update={"name": "flux-nano"})
        parts = api_parts(queue, catalogue=Catalogue((served,)))
        asked = {"prompt": PROMPT, "size": "1024x1024", "num_inference_steps": 10, "cache": "off"}
        async with client_of(parts) as client:
            answer = await client.post("/v1/jobs", json={**asked, "guidance_scale": guidance})
            assert answer.status_code == 202
            assert (await next_lease(queue)).job.cost == 10 * rows
        await queue.close()
        await parts.background.close()

    asyncio.run(scenario())
