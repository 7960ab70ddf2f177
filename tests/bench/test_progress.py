"""What events and previews cost is told from passes that took turns; every way of asking hears its events."""

import asyncio

import httpx
import pytest

from server.bench.streams.asker import PARTIALS, Answered, Asker
from server.bench.streams.progress import IMAGES, Pass, Turn, cost_of
from server.engine.fake import InstantEngine
from tests.live import live_server


def test_costs_are_medians_over_turns_and_a_preview_s_is_the_server_s_time_for_one() -> None:
    previews_s = IMAGES * PARTIALS * 0.1
    turns = [
        Turn(Pass(wall, cpu), Pass(2 * wall, cpu / 0.98), Pass(9.0, cpu + previews_s))
        for wall, cpu in ((1.0, 1.0), (3.0, 2.0), (50.0, 1.5))
    ]
    cost = cost_of(turns, 23.0, [Answered(0.01, 1.0)], [Answered(0.3, 0.8)] * 2)
    assert (cost.wall_ratio, cost.cpu_ratio, cost.a_partial_ms) == pytest.approx((0.5, 0.98, 100.0))
    assert (cost.first_event_ms, cost.first_partial_ms, cost.whole_ms) == pytest.approx((10.0, 300.0, 800.0))


def test_each_way_of_asking_comes_to_its_image_and_a_job_s_events_are_counted() -> None:
    async def ask(address: str) -> tuple[list[Answered], int]:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            asker = Asker(client)
            return [await way(7) for way in (asker.at_once, asker.with_events, asker.with_partials)], asker.heard

    with live_server(InstantEngine) as client:
        answers, heard = asyncio.run(ask(str(client.base_url)))
    assert all(0 < answer.first_s <= answer.whole_s for answer in answers)
    assert heard >= 3, "queued, a step, finished"
