"""What a Redis has spent: CPU seconds and requests read from its clients, by its own count."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from server.cluster.local_redis import free_port, start_redis


@dataclass(frozen=True)
class RedisUse:
    """``reads`` counts what came over the sockets: a script call or a pipeline is one."""

    cpu_s: float
    reads: int

    def __sub__(self, before: "RedisUse") -> "RedisUse":
        """Since then."""
        return RedisUse(self.cpu_s - before.cpu_s, self.reads - before.reads)


async def redis_use(client: Any) -> RedisUse:
    """Up to now, this question included."""
    told = {**await client.info("cpu"), **await client.info("stats")}
    return RedisUse(told["used_cpu_sys"] + told["used_cpu_user"], told["total_reads_processed"])


@contextmanager
def bench_redis() -> Iterator[str]:
    """The URL of a Redis of its own, with the settings that are recommended; gone at the end."""
    with TemporaryDirectory(prefix="h2serve-bench-") as folder:
        port = free_port()
        process = start_redis(Path(folder), port)
        try:
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()
