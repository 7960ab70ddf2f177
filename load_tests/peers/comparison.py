"""All contenders one after the other, then side by side at offered rates up to beyond each one's capacity."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from load_tests.errors import LoadTestError
from load_tests.fidelity import Fidelity
from load_tests.mix import Mix
from load_tests.peers.contender import Contender, serving
from load_tests.peers.matching import matching_factor
from load_tests.peers.measuring import (
    Effort,
    fidelity_of,
    one_pass,
    one_rate,
    peak_goodput,
    skipped_of,
    uncached_pass,
    with_factor,
)
from load_tests.progress import Progress
from load_tests.summary import Summary

MULTIPLES = (0.6, 0.8, 0.9, 1.0, 1.1, 1.25)
"""Of each contender's own capacity: past the knee on both sides."""


@dataclass(frozen=True)
class Standing:
    """One contender at the share of skipped blocks that all have."""

    contender: Contender
    factor: float | None
    skipped: float
    capacity: float
    fidelity: Fidelity
    runs: list[Summary] = field(default_factory=list)

    @property
    def goodput(self) -> float:
        """At the best of the offered rates."""
        return peak_goodput(self.runs)[0]


@dataclass(frozen=True)
class Trial:
    """A peer's knobs, and images a second of a closed loop under them."""

    contender: Contender
    capacity: float


@dataclass(frozen=True)
class Comparison:
    """Ours first."""

    standings: list[Standing]
    trials: list[Trial]


async def compare(
    ours: Contender,
    one_lock: Contender,
    batching: Sequence[Contender],
    mix: Mix,
    effort: Effort,
    logs: Path,
    progress: Progress,
    say: Callable[[str], None],
) -> Comparison:
    """``batching`` are the same peer under different knobs, of which the fastest takes part."""
    if mix.reference is None:
        raise LoadTestError(f"mix {mix.name!r} has no reference, and fidelity needs one")
    first = await stand(ours, mix, None, effort, logs, say)
    second = await stand(one_lock, mix, first.skipped, effort, logs, say)
    trials = [await attempt(each, with_factor(mix, second.factor), effort, logs, say) for each in batching]
    best = max(trials, key=lambda trial: trial.capacity).contender
    third = await stand(best, mix, first.skipped, effort, logs, say)
    standings = await side_by_side([first, second, third], mix, effort, logs, progress)
    return Comparison(standings, trials)


async def attempt(contender: Contender, mix: Mix, effort: Effort, logs: Path, say: Callable[[str], None]) -> Trial:
    """One pass after a warm-up."""
    with serving(contender, str(logs / f"{contender.name}.log")) as url:
        await one_pass(url, mix, replace(effort, pass_requests=effort.in_flight))
        found = await one_pass(url, mix, effort)
    say(f"{contender.name}: {found.images_per_s:.3g} images/s")
    return Trial(contender, found.images_per_s)


async def stand(
    contender: Contender, mix: Mix, skipped: float | None, effort: Effort, logs: Path, say: Callable[[str], None]
) -> Standing:
    """Bring it to the wanted share of skipped blocks, and measure speed and fidelity there."""
    with serving(contender, str(logs / f"{contender.name}.log")) as url:

        async def skipped_at(factor: float) -> float:
            return skipped_of(await one_pass(url, with_factor(mix, factor), effort))

        await one_pass(url, mix, replace(effort, pass_requests=effort.in_flight))
        factor = None if skipped is None else await matching_factor(skipped_at, skipped)
        found = await one_pass(url, with_factor(mix, factor), effort)
        fidelity = fidelity_of(found, await uncached_pass(url, mix, effort))
    say(
        f"{contender.name}: skips {skipped_of(found):.3f} of the blocks, {found.images_per_s:.3g} images/s, "
        f"{fidelity.psnr:.1f} dB{'' if factor is None else f', factor {factor:.3g}'}"
    )
    return Standing(contender, factor, skipped_of(found), found.images_per_s, fidelity)


async def side_by_side(
    standings: Sequence[Standing], mix: Mix, effort: Effort, logs: Path, progress: Progress
) -> list[Standing]:
    """All servers are up, one of them works: what drifts, drifts for all."""
    with contextlib.ExitStack() as up:
        urls = [
            up.enter_context(serving(each.contender, str(logs / f"{each.contender.name}.log")))
            for each in standings
        ]
        for standing, url in zip(standings, urls, strict=True):
            await one_pass(url, with_factor(mix, standing.factor), replace(effort, pass_requests=effort.in_flight))
        for multiple in MULTIPLES:
            for seed in range(effort.seeds):
                for standing, url in zip(standings, urls, strict=True):
                    rate, name = multiple * standing.capacity, standing.contender.name
                    with progress.phase(f"{name} {rate:.3g}/s", effort.rate_requests) as advance:
                        own = with_factor(mix, standing.factor)
                        standing.runs.append(await one_rate(url, own, rate, seed, effort, advance))
    return list(standings)
