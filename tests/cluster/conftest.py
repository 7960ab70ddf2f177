"""One Redis for each test, and processes over it."""

from collections.abc import Iterator

import pytest

from tests.cluster.processes import Cluster, cluster
from tests.redis_server import RedisServer, redis_server


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def processes(redis: RedisServer) -> Iterator[Cluster]:
    with cluster(redis.url) as started:
        yield started
