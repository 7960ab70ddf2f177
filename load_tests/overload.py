"""``python -m load_tests.overload``: three times what the server can do, and it refuses at once."""

import argparse
from collections.abc import Sequence

from load_tests.client import as_reply, generate, http_client, read_key
from load_tests.errors import LoadTestError
from load_tests.flags import positive, positive_number, target_parser
from load_tests.loops import closed_loop, open_loop
from load_tests.mix import load_mix
from load_tests.orders import mixed_orders, timed_orders
from load_tests.outcome import End
from load_tests.progress import Progress
from load_tests.summary import Summary, summarise
from load_tests.target import checked_url
from load_tests.verdict import Verdict, at_least_one, at_most, end_with_verdicts

SLACK = 1.5
"""A queue of n waits n / capacity seconds; so many times that is allowed, since rates of a mix differ."""
UNMEASURED = -1


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 when all verdicts hold, 1 when one does not, 2 with one line where it cannot start."""
    arguments = parser().parse_args(words)
    end_with_verdicts("overload", lambda progress: overload(arguments, progress))


def parser() -> argparse.ArgumentParser:
    """All flags."""
    top = target_parser("load_tests.overload", __doc__)
    top.add_argument(
        "--factor", type=positive_number, default=3.0, help="times the capacity that is measured first (3)"
    )
    top.add_argument("--requests", type=positive, default=600, help="so many at that rate (600)")
    top.add_argument("--max-queue", type=positive, default=128, help="the server's own bound (128)")
    top.add_argument("--in-flight", type=positive, default=16, help="of the closed loop that measures (16)")
    top.add_argument(
        "--slowest-429", type=positive_number, default=1.0, help="seconds that nine of ten 429s take (1)"
    )
    return top


async def overload(arguments: argparse.Namespace, progress: Progress) -> list[Verdict]:
    """Measure the capacity, exceed it, and see that the server is well afterwards."""
    url = checked_url(arguments.url, arguments.i_own_this_server)
    mix, in_flight = load_mix(arguments.mix), arguments.in_flight
    async with http_client(url, arguments.timeout, read_key(arguments.key_file)) as client:
        orders = mixed_orders(mix, 4 * in_flight, UNMEASURED)
        with progress.phase("capacity", len(orders)) as advance:
            capacity = (await closed_loop(client, orders, in_flight, advance)).images_per_s
        if capacity == 0:
            raise LoadTestError(f"{url} gives no image")
        rate = arguments.factor * capacity
        with progress.phase(f"{rate:.3g}/s", arguments.requests) as advance:
            outcomes = await open_loop(client, timed_orders(mix, arguments.requests, rate, 0), advance)
        last = as_reply(await generate(client, orders[0].body))
    found = summarise(outcomes, rate, 0, float("inf"))
    longest_s = SLACK * (arguments.max_queue + in_flight) / capacity
    return judge(found, longest_s, arguments.slowest_429, last.end is End.IMAGE)


def judge(found: Summary, longest_s: float, slowest_429_s: float, is_well: bool) -> list[Verdict]:
    """``longest_s`` is what an accepted request may take, ``is_well`` whether one was answered afterwards."""
    return [
        at_least_one("requests refused with 429", found.refused),
        at_most("p90 of a refusal", found.refused_p90_s or 0.0, slowest_429_s, "s"),
        at_most("p90 of an accepted request", found.p90_s or 0.0, longest_s, "s"),
        at_least_one("requests accepted", found.images),
        at_most("requests that failed otherwise", found.failed, 0, ""),
        Verdict("a request afterwards", "answered" if is_well else "not answered", "answered", is_well),
    ]


if __name__ == "__main__":
    main()
