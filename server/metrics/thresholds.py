"""Which labels the thresholds of a request get: a bounded set, whatever numbers clients send. Pure."""

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.request import PAPER_PAIR, CacheChoice

Pair = tuple[float, float]
"""tau1, tau2."""
NONE, CUSTOM = "none", "custom"
NAMES = ("off", "paper")
"""Presets that every model has."""
MAX_PRESETS, MAX_PAIRS, MAX_EDGES = 9, 32, 4
"""Of the profiles' own, of the configured list, and inner edges of the grid on each axis: 5 x 5 cells."""


@dataclass(frozen=True, slots=True)
class Labels:
    """``tau1`` and ``tau2`` as written in a label; ``in_cell`` says that they are the bounds of a cell."""

    preset: str
    tau1: str
    tau2: str
    in_cell: bool = False


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """``exact`` are the pairs that are written as they are; all others go to the cell of the grid they lie in."""

    presets: frozenset[str]
    exact: Mapping[Pair, tuple[str, str]]
    edges1: tuple[float, ...]
    edges2: tuple[float, ...]
    cells1: tuple[str, ...]
    cells2: tuple[str, ...]

    def labels(self, choice: CacheChoice) -> Labels:
        """A preset with an override is ``custom``, and so is a preset beyond the bound."""
        preset = choice.preset if choice.preset in self.presets else CUSTOM
        if choice.tau1 is None or choice.tau2 is None:
            return Labels(preset, NONE, NONE)
        written = self.exact.get((choice.tau1, choice.tau2))
        if written is not None:
            return Labels(preset, *written)
        # A cell's lower bound belongs to it.
        tau1 = self.cells1[bisect.bisect_right(self.edges1, choice.tau1)]
        tau2 = self.cells2[bisect.bisect_right(self.edges2, choice.tau2)]
        return Labels(preset, tau1, tau2, in_cell=True)


def threshold_rule(
    presets: Iterable[tuple[str, Pair]], pairs: Iterable[Pair], edges1: Sequence[float], edges2: Sequence[float]
) -> ThresholdRule:
    """The rule for the models' presets, the configured pairs and the grid's inner edges, in rising order.

    What is beyond ``MAX_PRESETS`` and ``MAX_PAIRS`` has no label of its own: the number of series is bounded
    whatever the configuration says. Raises ValueError for edges that do not rise or are more than ``MAX_EDGES``.
    """
    own = list(dict.fromkeys(presets))[:MAX_PRESETS]
    exact = [PAPER_PAIR, *(pair for _, pair in own), *list(pairs)[:MAX_PAIRS]]
    return ThresholdRule(
        presets=frozenset((*NAMES, *(name for name, _ in own))),
        exact={pair: (written(pair[0]), written(pair[1])) for pair in exact},
        edges1=tuple(edges1),
        edges2=tuple(edges2),
        cells1=cells(edges1),
        cells2=cells(edges2),
    )


def cells(edges: Sequence[float]) -> tuple[str, ...]:
    """The names of the cells between the edges, by their bounds: the first from 0, the last to ``inf``."""
    if not 1 <= len(edges) <= MAX_EDGES or list(edges) != sorted(set(edges)) or edges[0] <= 0:
        raise ValueError(f"edges {list(edges)}, allowed are 1 to {MAX_EDGES} rising numbers above 0")
    bounds = ["0", *(written(edge) for edge in edges), "inf"]
    return tuple(f"{low}..{high}" for low, high in itertools.pairwise(bounds))


def written(number: float) -> str:
    """The shortest text that reads back as the number: ``0.15``, ``1``."""
    return repr(float(number)).removesuffix(".0")
