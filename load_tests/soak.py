"""``python -m load_tests.soak``: a steady rate for a long time. Memory, open files and Redis stay level."""

import argparse
import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from load_tests.client import http_client, read_key
from load_tests.drift import Series, growth_of_the_floor, slope_a_minute
from load_tests.files import write_csv
from load_tests.flags import positive_number, target_parser
from load_tests.loops import open_loop
from load_tests.mix import load_mix
from load_tests.orders import timed_orders
from load_tests.process import held_by, pid_of
from load_tests.progress import Progress
from load_tests.summary import Summary, summarise
from load_tests.target import checked_url
from load_tests.verdict import Verdict, at_least_one, at_most, end_with_verdicts

MOST_GROWTH = 1.1
"""Of open files and keys, from one quarter of the run to the next."""


@dataclass(frozen=True)
class Sample:
    """At ``time_s`` from the start; ``lasting_keys`` is 0 where no Redis is watched."""

    time_s: float
    resident_mib: float
    open_files: int
    lasting_keys: int


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 when all verdicts hold, 1 when one does not, 2 with one line where it cannot go on."""
    arguments = parser().parse_args(words)
    end_with_verdicts("soak", lambda progress: soak(arguments, progress))


def parser() -> argparse.ArgumentParser:
    """All flags."""
    top = target_parser("load_tests.soak", __doc__)
    top.add_argument("--minutes", type=positive_number, default=20.0, help="how long (20)")
    top.add_argument("--rate", type=positive_number, default=1.0, help="requests a second, below the capacity (1)")
    top.add_argument(
        "--every", type=positive_number, default=5.0, help="seconds between two looks at the process (5)"
    )
    top.add_argument("--pid", type=int, help="the server's process (the one that listens on the URL's port)")
    top.add_argument("--redis", help="a Redis URL whose keys that never expire are counted")
    top.add_argument(
        "--most-mib-a-minute", type=positive_number, default=1.0, help="allowed slope of the memory (1)"
    )
    top.add_argument("--out", type=Path, default=Path("soak.csv"), help="the samples (soak.csv)")
    return top


async def soak(arguments: argparse.Namespace, progress: Progress) -> list[Verdict]:
    """Load and watch at once."""
    url = checked_url(arguments.url, arguments.i_own_this_server)
    mix, pid = load_mix(arguments.mix), arguments.pid or pid_of(url)
    count, samples = max(1, math.ceil(60 * arguments.minutes * arguments.rate)), list[Sample]()
    async with http_client(url, arguments.timeout, read_key(arguments.key_file)) as client:
        watching = asyncio.create_task(watch(pid, arguments.redis, arguments.every, samples))
        try:
            with progress.phase(f"{arguments.rate:g}/s", count) as advance:
                outcomes = await open_loop(client, timed_orders(mix, count, arguments.rate, 0), advance)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    write_csv(arguments.out, [vars(sample) for sample in samples])
    found = summarise(outcomes, arguments.rate, 0, float("inf"))
    return judge(samples, found, arguments.most_mib_a_minute)


async def watch(pid: int, redis_url: str | None, every_s: float, samples: list[Sample]) -> None:
    """Add a sample at once and then every so often, until cancelled."""
    start_s = time.monotonic()
    redis = None if redis_url is None else Redis.from_url(redis_url)
    try:
        while True:
            held = await asyncio.to_thread(held_by, pid)
            keys = 0 if redis is None else lasting_keys(await asyncio.to_thread(redis.info, "keyspace"))
            elapsed_s = time.monotonic() - start_s
            samples.append(Sample(elapsed_s, held.resident_bytes / 2**20, held.open_files, keys))
            await asyncio.sleep(every_s)
    finally:
        if redis is not None:
            redis.close()


def lasting_keys(keyspace: Any) -> int:
    """By what Redis says of its keyspace. Those that expire grow with the rate until the first of them do."""
    return sum(of["keys"] - of["expires"] for of in keyspace.values())


def judge(samples: Sequence[Sample], found: Summary, most_mib_a_minute: float) -> list[Verdict]:
    """Memory by its slope; open files and keys by whether their floor rises."""
    memory: Series = [(sample.time_s, sample.resident_mib) for sample in samples]
    files: Series = [(sample.time_s, sample.open_files) for sample in samples]
    keys: Series = [(sample.time_s, sample.lasting_keys) for sample in samples]
    return [
        at_least_one("images", found.images),
        at_most("requests refused or failed", found.refused + found.failed, 0, ""),
        at_most("slope of the resident memory", slope_a_minute(memory), most_mib_a_minute, "MiB a minute"),
        at_most("open files, last quarter over the one before", growth_of_the_floor(files), MOST_GROWTH, ""),
        at_most(
            "keys in Redis that never expire, last quarter over the one before",
            growth_of_the_floor(keys),
            MOST_GROWTH,
            "",
        ),
    ]


if __name__ == "__main__":
    main()
