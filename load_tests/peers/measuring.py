"""What is measured of each contender, over HTTP and alike for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from load_tests.client import http_client
from load_tests.errors import LoadTestError
from load_tests.fidelity import Fidelity, mean_fidelity
from load_tests.frontier import REFERENCE
from load_tests.loops import Pass, closed_loop, open_loop
from load_tests.mix import Mix, Pair
from load_tests.orders import Order, mixed_orders, orders_of_pair, timed_orders
from load_tests.outcome import Outcome
from load_tests.peers.aims import Aim
from load_tests.summary import Summary, skipped_blocks, summarise

TIMEOUT_S = 600.0
MULTIPLES = (0.6, 0.8, 0.9, 1.0, 1.1, 1.25)
"""Of a capacity: past the knee on both sides."""
SEED_OF_PASSES = 1000
"""No open-loop run has it."""


@dataclass(frozen=True)
class Effort:
    """How many requests a pass and an offered rate get; ``slo_s`` seconds are good.

    ``multiples`` of a contender's own capacity are offered. A peer is at an aim within ``share_within`` of the
    blocks, or ``psnr_within`` dB.
    """

    pass_requests: int
    in_flight: int
    rate_requests: int
    seeds: int
    slo_s: float
    multiples: tuple[float, ...] = MULTIPLES
    share_within: float = 0.015
    psnr_within: float = 0.5

    def tolerance(self, aim: Aim) -> float:
        """A share of blocks, or dB."""
        return self.share_within if aim is Aim.SKIPPED else self.psnr_within


def with_factor(mix: Mix, factor: float | None) -> Mix:
    """The mix for a peer whose threshold is so many times tau1; our server gets it as it is."""
    return mix if factor is None else mix.model_copy(update={"body": {**mix.body, "factor": factor}})


async def one_pass(url: str, mix: Mix, effort: Effort) -> Pass:
    """A closed loop over all pairs. Raises LoadTestError where a request fails."""
    return await _pass(url, mixed_orders(mix, effort.pass_requests, SEED_OF_PASSES), effort)


async def uncached_pass(url: str, mix: Mix, effort: Effort) -> Pass:
    """The same requests without a cache."""
    reference = Pair(label=REFERENCE, body=mix.reference or {})
    return await _pass(url, orders_of_pair(mix, reference, effort.pass_requests, SEED_OF_PASSES), effort)


async def _pass(url: str, orders: Sequence[Order], effort: Effort) -> Pass:
    async with http_client(url, TIMEOUT_S) as client:
        found = await closed_loop(client, orders, effort.in_flight, lambda outcome: None)
    for outcome in found.outcomes:
        if outcome.reply.image is None:
            raise LoadTestError(f"{url}: {outcome.reply.status} {outcome.reply.error}")
    return found


def skipped_of(found: Pass) -> float:
    """Raises LoadTestError where the server does not say."""
    skipped = skipped_blocks(found.outcomes)
    if skipped is None:
        raise LoadTestError("the server does not say how many blocks it ran")
    return skipped


def fidelity_of(cached: Pass, uncached: Pass) -> Fidelity:
    """Image by image."""
    images, references = (
        [outcome.reply.image for outcome in each.outcomes if outcome.reply.image] for each in (cached, uncached)
    )
    return mean_fidelity(images, references)


async def one_rate(
    url: str, mix: Mix, rate: float, seed: int, effort: Effort, on_end: Callable[[Outcome], None]
) -> Summary:
    """An open loop at one rate."""
    async with http_client(url, TIMEOUT_S) as client:
        outcomes = await open_loop(client, timed_orders(mix, effort.rate_requests, rate, seed), on_end)
    return summarise(outcomes, rate, seed, effort.slo_s)


def peak_goodput(runs: Sequence[Summary]) -> tuple[float, float]:
    """The highest mean over seeds, and the rate that was offered there. Invalid runs do not count."""
    valid = [run for run in runs if run.is_valid]
    if not valid:
        raise LoadTestError("no run is valid: the generator was late in all of them")
    of_rate = {rate: mean(run.goodput for run in valid if run.offered_rate == rate) for rate in _rates(valid)}
    rate = max(of_rate, key=lambda each: of_rate[each])
    return of_rate[rate], rate


def _rates(runs: Sequence[Summary]) -> list[float]:
    return list(dict.fromkeys(run.offered_rate for run in runs))
