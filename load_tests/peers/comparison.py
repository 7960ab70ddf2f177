"""All contenders one after the other, then side by side at offered rates up to beyond each one's capacity."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from load_tests.errors import LoadTestError
from load_tests.loops import Pass
from load_tests.mix import Mix
from load_tests.peers.aims import Aim, Measured
from load_tests.peers.contender import Contender, Running, serving
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


@dataclass(frozen=True)
class Standing:
    """One contender; a peer at the aim that ``factor`` was found for, ours as it is asked."""

    contender: Contender
    aim: Aim | None
    factor: float | None
    measured: Measured
    runs: list[Summary] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For tables and logs."""
        return self.contender.name if self.aim is None else f"{self.contender.name}, {self.aim}"

    @property
    def goodput(self) -> float:
        """At the best of the offered rates."""
        return peak_goodput(self.runs)[0]


@dataclass(frozen=True)
class Trial:
    """A contender's knobs, and images a second of a closed loop under them."""

    contender: Contender
    capacity: float


@dataclass(frozen=True)
class Comparison:
    """Ours first."""

    standings: list[Standing]
    trials: list[Trial]


async def compare(
    ours: Sequence[Contender],
    one_lock: Contender,
    batching: Sequence[Contender],
    mix: Mix,
    effort: Effort,
    logs: Path,
    progress: Progress,
    say: Callable[[str], None],
) -> Comparison:
    """Of ``ours`` and of ``batching``, each the same server under different knobs, the fastest takes part."""
    if mix.reference is None:
        raise LoadTestError(f"mix {mix.name!r} has no reference, and fidelity needs one")
    own = [await attempt(each, mix, effort, logs, say) for each in ours]
    first = await stand(fastest(own), mix, effort, logs, say)
    locked = await stand_beside(first.measured, one_lock, mix, effort, logs, say)
    tuned_at = with_factor(mix, locked[0].factor)
    theirs = [await attempt(each, tuned_at, effort, logs, say) for each in batching]
    batched = await stand_beside(first.measured, fastest(theirs), mix, effort, logs, say)
    standings = await side_by_side([first, *locked, *batched], mix, effort, logs, progress)
    return Comparison(standings, [*own, *theirs])


def fastest(trials: Sequence[Trial]) -> Contender:
    """By images a second of a closed loop."""
    return max(trials, key=lambda trial: trial.capacity).contender


async def attempt(contender: Contender, mix: Mix, effort: Effort, logs: Path, say: Callable[[str], None]) -> Trial:
    """One pass after a warm-up."""
    with serving(contender, str(logs / f"{contender.name}.log")) as server:
        await one_pass(server.url, mix, replace(effort, pass_requests=effort.in_flight))
        found = await one_pass(server.url, mix, effort)
    say(f"{contender.name}: {found.images_per_s:.3g} images/s")
    return Trial(contender, found.images_per_s)


async def stand(ours: Contender, mix: Mix, effort: Effort, logs: Path, say: Callable[[str], None]) -> Standing:
    """Our server as the mix asks it."""
    with serving(ours, str(logs / f"{ours.name}.log")) as server:
        uncached = await warmed_and_uncached(server.url, mix, effort)
        standing = Standing(ours, None, None, await measured(server.url, mix, uncached, effort))
    say(described(standing))
    return standing


async def stand_beside(
    ours: Measured, peer: Contender, mix: Mix, effort: Effort, logs: Path, say: Callable[[str], None]
) -> list[Standing]:
    """Bring a peer to each aim, and measure speed and fidelity there."""
    standings = []
    with serving(peer, str(logs / f"{peer.name}.log")) as server:
        uncached = await warmed_and_uncached(server.url, mix, effort)

        async def measured_at(factor: float) -> Measured:
            return await measured(server.url, with_factor(mix, factor), uncached, effort)

        for aim in Aim:

            async def aimed_at(factor: float, aim: Aim = aim) -> float:
                found = (await measured_at(factor)).at(aim)
                say(f"  factor {factor:.3g}: {found:.3f}, {aim} is {ours.at(aim):.3f}")
                return found

            within = effort.tolerance(aim)
            factor = await matching_factor(aimed_at, ours.at(aim), within, rises=aim.rises, name=aim.value)
            standings.append(Standing(peer, aim, factor, await measured_at(factor)))
            say(described(standings[-1]))
    return standings


async def warmed_and_uncached(url: str, mix: Mix, effort: Effort) -> Pass:
    """The images that fidelity is told by, made after a short pass."""
    await one_pass(url, mix, replace(effort, pass_requests=effort.in_flight))
    return await uncached_pass(url, mix, effort)


async def measured(url: str, mix: Mix, uncached: Pass, effort: Effort) -> Measured:
    """Of one closed loop."""
    found = await one_pass(url, mix, effort)
    return Measured(skipped_of(found), found.images_per_s, fidelity_of(found, uncached))


def described(standing: Standing) -> str:
    """In one line, as it comes."""
    found, factor = standing.measured, "" if standing.factor is None else f", factor {standing.factor:.3g}"
    return (
        f"{standing.name}: skips {found.skipped:.3f} of the blocks, {found.images_per_s:.3g} images/s, "
        f"{found.fidelity.psnr:.1f} dB{factor}"
    )


async def side_by_side(
    standings: Sequence[Standing], mix: Mix, effort: Effort, logs: Path, progress: Progress
) -> list[Standing]:
    """All servers are up, one of them works and the others are paused: what drifts, drifts for all."""
    with contextlib.ExitStack() as up:
        servers: dict[str, Running] = {}
        for contender in {each.contender.name: each.contender for each in standings}.values():
            server = up.enter_context(serving(contender, str(logs / f"{contender.name}.log")))
            await one_pass(server.url, mix, replace(effort, pass_requests=effort.in_flight))
            server.pause()
            servers[contender.name] = server
        for multiple in effort.multiples:
            for seed in range(effort.seeds):
                for standing in standings:
                    server = servers[standing.contender.name]
                    rate = multiple * standing.measured.images_per_s
                    own = with_factor(mix, standing.factor)
                    server.resume()
                    with progress.phase(f"{standing.name} {rate:.3g}/s", effort.rate_requests) as advance:
                        standing.runs.append(await one_rate(server.url, own, rate, seed, effort, advance))
                    server.pause()
    return list(standings)
