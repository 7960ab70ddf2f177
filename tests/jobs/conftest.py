"""A Redis for each file of tests, whose clock is in their hands; and one that keeps what it acknowledged."""

from collections.abc import Iterator

import pytest

from tests.jobs.redis_process import RedisProcess

ALWAYS = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    process = RedisProcess(fake_clock=True)
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture
def durable() -> Iterator[RedisProcess]:
    process = RedisProcess(ALWAYS)
    try:
        yield process.start()
    finally:
        process.stop()
