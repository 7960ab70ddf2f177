"""What it costs to tell who calls: one look-up of an API key among many."""

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from server.access.caller import Caller
from server.access.key import ApiKey, digest, new_secret
from server.access.key_file import FileKeyStore, write_keys

KEYS, CHECKS = 1000, 2000


def measure_key_check() -> float:
    """Milliseconds, the median; half of the keys are good, half made up."""
    good = [new_secret() for _ in range(KEYS)]
    secrets = [secret for pair in zip(good, (new_secret() for _ in good), strict=True) for secret in pair]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "keys.json"
        write_keys(path, [ApiKey(digest(secret), Caller(str(i), "tenant"), 0) for i, secret in enumerate(good)])
        return statistics.median(asyncio.run(timed_checks(FileKeyStore(path, time.monotonic), secrets[:CHECKS])))


async def timed_checks(store: FileKeyStore, secrets: list[str]) -> list[float]:
    """Milliseconds of each."""
    times = []
    for secret in secrets:
        began_s = time.perf_counter()
        await store.find(secret)
        times.append(1000 * (time.perf_counter() - began_s))
    return times
