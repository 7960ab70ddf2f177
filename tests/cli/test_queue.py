"""``h2serve queue`` against a real Redis."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from server.__main__ import main
from server.jobs.bull.queue import RedisQueue
from server.jobs.event import JobState
from server.jobs.terms import DEFAULT_TERMS
from server.jobs.workers import WorkerInfo
from tests.jobs.contract.base import DONE, MODEL, job, put, take
from tests.jobs.redis_process import RedisProcess
from tests.jobs.test_redis import fresh
from tests.jobs.test_redis_admin import die


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    process = RedisProcess()
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture(autouse=True)
def jobs(redis: RedisProcess) -> None:
    """One dead, one finished, one running, two that wait, and a worker."""

    async def fill() -> None:
        queue = await fresh(redis, DEFAULT_TERMS)
        try:
            await put(queue, job("poison", tenant="t"))
            await die(queue)
            await put(queue, job("done"), job("running"))
            done, _ = await take(queue, 2, worker="w7")
            await queue.finish(done, DONE)
            await put(queue, job("first", images=2), job("second"))
            await queue.announce(WorkerInfo("w7", MODEL, "0.1", max_images=8, running=1), 60_000)
        finally:
            await queue.close()

    asyncio.run(fill())


def said(redis: RedisProcess, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["queue", *words, "--redis", redis.address.url])
    out, err = capsys.readouterr()
    assert (ended.value.code or 0) == code, err
    return out if code == 0 else err


def state_of(redis: RedisProcess, job_id: str) -> JobState | None:
    async def look() -> JobState | None:
        queue = RedisQueue(redis.address, str)
        try:
            status = await queue.status(job_id)
            return None if status is None else status.state
        finally:
            await queue.close()

    return asyncio.run(look())


def test_status_says_how_much_waits_and_who_works(redis: RedisProcess, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(redis, capsys, "status")
    assert "3 images of 2 jobs wait, 1 run" in out and "w7" in out
    found = json.loads(said(redis, capsys, "status", "--json"))
    assert (found["images_waiting"], found["models"]) == (3, [MODEL])
    assert found["workers"][0]["max_images"] == 8


def test_list_shows_jobs_by_state(redis: RedisProcess, capsys: pytest.CaptureFixture[str]) -> None:
    assert "second" in said(redis, capsys, "list")
    found = json.loads(said(redis, capsys, "list", "--json"))
    assert [each["job_id"] for each in found] == ["running", "first", "second", "done", "poison"]
    dead = json.loads(said(redis, capsys, "list", "--state", "dead", "--state", "failed", "--json"))
    assert [each["job_id"] for each in dead] == ["poison"]
    assert "allowed are queued" in said(redis, capsys, "list", "--state", "lazy", code=2)


def test_show_tells_all_of_a_job(redis: RedisProcess, capsys: pytest.CaptureFixture[str]) -> None:
    assert "w7" in said(redis, capsys, "show", "running")
    found = json.loads(said(redis, capsys, "show", "poison", "--json"))
    assert (found["state"], found["deaths"], found["tenant"]) == ("dead", 3, "t")
    assert "not known" in said(redis, capsys, "show", "nobody", code=2)


def test_cancel_ends_a_job(redis: RedisProcess, capsys: pytest.CaptureFixture[str]) -> None:
    said(redis, capsys, "cancel", "first")
    assert state_of(redis, "first") is JobState.CANCELLED
    assert "ended otherwise" in said(redis, capsys, "cancel", "done", code=2)
    assert "not known" in said(redis, capsys, "cancel", "nobody", code=2)


def test_the_dead_wait_again(redis: RedisProcess, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(said(redis, capsys, "retry-dead", "--json")) == ["poison"]
    assert state_of(redis, "poison") is JobState.QUEUED
    assert "0 dead jobs" in said(redis, capsys, "retry-dead")


def test_a_worker_is_asked_to_drain(redis: RedisProcess, capsys: pytest.CaptureFixture[str]) -> None:
    assert "asked to drain" in said(redis, capsys, "drain", "w7")
    assert "no worker" in said(redis, capsys, "drain", "w8", code=2)


def test_without_a_queue_it_says_how_to_name_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("H2SERVE_REDIS", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["queue", "status"])
    assert ended.value.code == 2
    assert "H2SERVE_REDIS" in capsys.readouterr().err
