"""Speed beside quality: images a second of a closed loop under each pair alone, and how near the images stay."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from load_tests.errors import LoadTestError
from load_tests.fidelity import Fidelity, mean_fidelity
from load_tests.loops import Pass, closed_loop
from load_tests.mix import Mix, Pair
from load_tests.orders import orders_of_pair
from load_tests.outcome import Outcome
from load_tests.summary import skipped_blocks

REFERENCE = "uncached"


@dataclass(frozen=True)
class Point:
    """One pair. ``fidelity`` is None where the mix knows no way to make an image uncached."""

    label: str
    images: int
    images_per_s: float
    skipped_blocks: float | None
    fidelity: Fidelity | None


def with_reference(mix: Mix) -> list[Pair]:
    """All pairs, and first the uncached one where there is one."""
    first = [] if mix.reference is None else [Pair(label=REFERENCE, body=mix.reference)]
    return [*first, *(pair for pair in mix.pairs if pair.body != mix.reference)]


async def run_pairs(
    client: httpx.AsyncClient,
    mix: Mix,
    count: int,
    in_flight: int,
    passes: int,
    on_end: Callable[[Outcome], None],
) -> dict[str, list[Pass]]:
    """Passes over the same requests, every second time in reverse, so that a drifting machine favours none."""
    pairs, found = with_reference(mix), dict[str, list[Pass]]()
    for number in range(passes):
        for pair in pairs if number % 2 == 0 else reversed(pairs):
            orders = orders_of_pair(mix, pair, count, seed=0)
            found.setdefault(pair.label, []).append(await closed_loop(client, orders, in_flight, on_end))
    return {pair.label: found[pair.label] for pair in pairs}


def points_of(passes: Mapping[str, Sequence[Pass]]) -> list[Point]:
    """Compare the images; nothing runs meanwhile. Raises LoadTestError where an image is missing."""
    references = _images(REFERENCE, passes[REFERENCE][0]) if REFERENCE in passes else None
    return [_point(label, own, references) for label, own in passes.items()]


def _point(label: str, passes: Sequence[Pass], references: Sequence[bytes] | None) -> Point:
    images = _images(label, passes[0])
    return Point(
        label,
        len(images),
        statistics.mean(each.images_per_s for each in passes),
        skipped_blocks(passes[0].outcomes),
        None if references is None else mean_fidelity(images, references),
    )


def _images(label: str, one: Pass) -> list[bytes]:
    images = []
    for outcome in one.outcomes:
        if outcome.reply.image is None:
            raise LoadTestError(f"no image under {label}: {outcome.reply.status} {outcome.reply.error}")
        images.append(outcome.reply.image)
    return images
