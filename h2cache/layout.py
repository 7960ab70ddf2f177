"""Which blocks a method watches, and which it may reuse: a model's blocks cut into spans."""

from dataclasses import dataclass

from h2cache.checks import check_count


@dataclass(frozen=True, slots=True)
class Span:
    """Blocks ``start`` to ``end`` (excluded): those before ``probe_end`` always run, the rest may be reused."""

    start: int
    probe_end: int
    end: int

    def num_run(self, reused: bool) -> int:
        """Blocks that a sample runs."""
        return (self.probe_end if reused else self.end) - self.start


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class TwoStages:
    """Structure and detail: double- and single-stream blocks, each watched at its first block (H2-Cache)."""

    num_gates = 2

    def spans(self, num_double: int, num_single: int) -> Spans:
        """The spans of a model with so many blocks of either kind."""
        end = num_double + num_single
        return Span(0, 1, num_double), Span(num_double, num_double + 1, end)


@dataclass(frozen=True, slots=True)
class OneStage:
    """All blocks, watched at the first one (first-block caching)."""

    num_gates = 1

    def spans(self, num_double: int, num_single: int) -> Spans:
        """See TwoStages."""
        return (Span(0, 1, num_double + num_single),)


@dataclass(frozen=True, slots=True)
class WholeStep:
    """All blocks, with nothing run to decide (TeaCache and its kin)."""

    num_gates = 1

    def spans(self, num_double: int, num_single: int) -> Spans:
        """See TwoStages."""
        return (Span(0, 0, num_double + num_single),)


@dataclass(frozen=True, slots=True)
class FirstAndLast:
    """The ``first`` blocks are watched, the ``last`` always run, what is between may be reused (DBCache's Fn, Bn).

    Counts are of FLUX.1's 57 blocks and scale with the depth of another model; at least one block is watched.
    """

    first: int = 8
    last: int = 0
    num_gates = 1

    def __post_init__(self) -> None:
        check_count("first", self.first, low=1)
        check_count("last", self.last)

    def spans(self, num_double: int, num_single: int) -> Spans:
        """See TwoStages."""
        end = num_double + num_single
        first = max(1, round(self.first * end / FLUX1_BLOCKS))
        last = min(round(self.last * end / FLUX1_BLOCKS), end - first)
        return Span(0, first, end - last), Span(end - last, end, end)


FLUX1_DOUBLE, FLUX1_SINGLE = 19, 38
FLUX1_BLOCKS = FLUX1_DOUBLE + FLUX1_SINGLE
Layout = TwoStages | OneStage | WholeStep | FirstAndLast
