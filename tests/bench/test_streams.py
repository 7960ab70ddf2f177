"""The numbers of streams are counted right: against servers of the fewest and quickest streams."""

import asyncio
import time

import pytest

from server.bench.streams.many import Load, Told, delays, measure_many
from server.bench.streams.servers import embedded_metronome
from server.bench.streams.watcher import watch
from server.engine.fake import InstantEngine
from server.engine.metronome import GROUP, GROUPS, moment_of
from tests.live import live_server


def test_a_delay_is_from_the_moment_at_which_the_step_was_taken() -> None:
    seed = 5 * GROUP
    moment = moment_of(seed)
    assert moment == 5 / GROUPS
    late = [0.02, 0.9, 0.01, 0.3]
    told = Told(seed, [1, 2, 3, 4], [100 + moment + step + late[step - 1] for step in (1, 2, 3, 4)])
    assert delays(told, 0.0) == pytest.approx(late)
    assert delays(told, 103.0) == pytest.approx(late[2:])


def test_every_event_of_a_job_is_heard_as_it_was_told() -> None:
    with live_server(InstantEngine) as client:
        job_id = client.post("/v1/jobs", json={"prompt": "a star"}).json()["id"]

        async def follow() -> list[str]:
            path = f"/v1/jobs/{job_id}/events"
            return [heard.data["type"] async for heard in watch(str(client.base_url).rstrip("/"), path)]

        kinds = asyncio.run(follow())
        assert (kinds[0], kinds[-1]) == ("job.queued", "job.finished")


def test_a_metronome_steps_each_sample_at_its_own_moment() -> None:
    began_s = time.monotonic()
    got = measure_many(embedded_metronome, Load(streams=24, steps=6, settle_s=0.5))
    assert (got.streams, got.events, got.astray) == (24, 24 * 6, 0)
    assert time.monotonic() - began_s > 5, "a step a second"
    assert 0 <= got.p50_ms <= got.p99_ms <= got.most_ms


def test_an_address_that_answers_with_an_error_is_no_stream() -> None:
    async def follow(address: str) -> list[object]:
        return [heard async for heard in watch(address, "/v1/jobs/unknown/events")]

    with live_server(InstantEngine) as client:
        assert asyncio.run(follow(str(client.base_url).rstrip("/"))) == []
