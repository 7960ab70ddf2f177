"""The workers' heartbeats in Redis: a key each that ends by itself, and every model that was ever announced."""

from collections.abc import Mapping
from dataclasses import replace

from redis.asyncio import Redis

from server.errors import PayloadError
from server.jobs.payload import read, write
from server.jobs.workers import WorkerInfo

DRAIN_MS = 86_400_000


class RedisRoll:
    """Keys: ``workers`` (names), ``worker:<name>``, ``drain:<name>``, ``models``, ``profiles`` (by model)."""

    def __init__(self, client: Redis, base: str) -> None:
        self._client, self._base = client, base
        self._profiles: dict[str, str] = {}

    async def announce(self, info: WorkerInfo, ttl_ms: int) -> bool:
        """Note the heartbeat; True when the worker is to drain. A profile is written once, not with each beat."""
        is_news = info.profile not in ("", self._profiles.get(info.model))
        async with self._client.pipeline(transaction=True) as pipeline:
            beat = write(WorkerInfo, replace(info, profile=""))
            pipeline.set(f"{self._base}worker:{info.worker}", beat, px=ttl_ms)
            pipeline.sadd(f"{self._base}workers", info.worker)
            pipeline.sadd(f"{self._base}models", info.model)
            if is_news:
                pipeline.hset(f"{self._base}profiles", info.model, info.profile)
            pipeline.hexists(f"{self._base}profiles", info.model)
            pipeline.exists(f"{self._base}drain:{info.worker}")
            *_, is_kept, drain = await pipeline.execute()
        if is_news:
            self._profiles[info.model] = info.profile
        elif info.profile and not is_kept:  # Redis was emptied
            del self._profiles[info.model]
            return await self.announce(info, ttl_ms)
        return bool(drain)

    async def alive(self) -> list[WorkerInfo]:
        """In order of their names; names without a heartbeat are forgotten."""
        names = sorted(await self._names("workers"))
        if not names:
            return []
        beats = await self._client.mget([f"{self._base}worker:{name}" for name in names])
        gone = [name for name, beat in zip(names, beats, strict=True) if beat is None]
        if gone:
            await self._client.srem(f"{self._base}workers", *gone)
        return [info for beat in beats if beat is not None and (info := _info(str(beat))) is not None]

    async def models(self) -> Mapping[str, str]:
        """Of all workers, dead or alive, with their profiles."""
        profiles = await self._client.hgetall(f"{self._base}profiles")
        return {name: str(profiles.get(name, "")) for name in await self._names("models")}

    async def _names(self, key: str) -> frozenset[str]:
        return frozenset(map(str, await self._client.smembers(f"{self._base}{key}")))

    async def drain(self, worker: str) -> bool:
        """Ask the worker to drain. False when it is not known."""
        if not await self._client.exists(f"{self._base}worker:{worker}"):
            return False
        await self._client.set(f"{self._base}drain:{worker}", 1, px=DRAIN_MS)
        return True


def _info(text: str) -> WorkerInfo | None:
    """None for a worker of a version that is too far away."""
    try:
        return read(WorkerInfo, text)
    except PayloadError:
        return None
