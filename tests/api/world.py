"""The API over a queue that the test works on, and a client, for one scenario on one event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from server.access.access import Access
from server.access.caller import Caller, Limits
from server.access.key import ApiKey
from server.jobs.lease import Lease
from server.webhooks.webhooks import Webhooks
from tests.api.conftest import PROMPT
from tests.api.parts import api_parts, client_of, new_queue, next_lease, result_of

IMAGE = b"image"


class Keys:
    """Any secret is a key of the tenant that it names."""

    async def find(self, secret: str) -> ApiKey | None:
        limits = Limits(max_in_flight=2) if secret == "small" else Limits()
        return ApiKey(secret, Caller(secret, secret, limits=limits, is_admin=secret == "admin"), 0)


class World:
    """The API, its queue at the time ``now_s``, and a client."""

    def __init__(
        self,
        access: Access | None = None,
        heartbeat_s: float = 15.0,
        webhooks: Webhooks | None = None,
    ) -> None:
        self.now_s = 1000.0
        self.queue = new_queue(lambda: self.now_s)
        self.parts = api_parts(self.queue, access=access, heartbeat_s=heartbeat_s, webhooks=webhooks)
        self.client = client_of(self.parts)

    async def submit(self, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return await self.client.post("/v1/jobs", json={"prompt": PROMPT, **body}, headers=headers)

    async def finish(self, lease: Lease | None = None, images: int = 1) -> Lease:
        """Store images and end the job with them, the next one where none is given."""
        lease = lease or await next_lease(self.queue)
        for index in range(images):
            await self.parts.results.put(f"key-{index}", IMAGE, 60.0)
        await self.queue.finish(lease, result_of(lease, total_ms=(50.0,) * images))
        return lease


def run(scenario: Callable[[World], Awaitable[None]], **changes: Any) -> None:
    async def whole() -> None:
        world = World(**changes)
        async with world.client, asyncio.timeout(20):
            await scenario(world)
        await world.queue.close()
        await world.parts.background.close()

    asyncio.run(whole())
