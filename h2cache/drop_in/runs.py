"""Runs under way: one for each branch of each call, told by tensors, and gone with them."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from h2cache.drop_in.settings import RowSettings
from h2cache.drop_in.stats import SampleLog
from h2cache.method import Method
from h2cache.state import SampleCache
from h2cache.step import StepResult


@dataclass(frozen=True, slots=True)
class Row:
    """One sample between two steps, as it was asked for and as it is."""

    wanted: RowSettings
    cache: SampleCache
    log: SampleLog | None


@dataclass(frozen=True, slots=True)
class Run:
    """The rows of a batch between two steps; ``grid`` is known where a method looks at the image's shape."""

    rows: tuple[Row, ...]
    grid: tuple[int, int] | None = None

    @property
    def needs_grid(self) -> bool:
        """True where a row's method looks at the image's shape."""
        return any(row.wanted.method is not None and row.wanted.method.needs_grid for row in self.rows)

    def after(self, result: StepResult) -> "Run":
        """The run after a step, which is taken down in the logs."""
        for row, record in zip(self.rows, result.records, strict=True):
            if row.log is not None:
                row.log.records.append(record)
        rows = (replace(row, cache=cache) for row, cache in zip(self.rows, result.caches, strict=True))
        return replace(self, rows=tuple(rows))


def start(wanted: Sequence[RowSettings]) -> Run:
    """A run before its first step."""
    return Run(tuple(_row(settings, place) for place, settings in enumerate(wanted)))


def follow(run: Run, wanted: Sequence[RowSettings]) -> Run:
    """The run under what is wanted now: settings may be others than in the step before."""
    if len(wanted) != len(run.rows):
        return start(wanted)
    rows = zip(run.rows, wanted, strict=True)
    return replace(
        run,
        rows=tuple(
            row if settings == row.wanted else _changed(row, settings, place)
            for place, (row, settings) in enumerate(rows)
        ),
    )


def _row(wanted: RowSettings, place: int) -> Row:
    log = None if wanted.stats is None else wanted.stats.open(place)
    return Row(wanted, SampleCache.start(wanted.method, wanted.num_steps), log)


def _changed(row: Row, wanted: RowSettings, place: int) -> Row:
    """The row goes on; what it remembers is kept where only gates' values and guards have changed."""
    fresh = _row(wanted, place) if wanted.stats is not row.wanted.stats else replace(row, wanted=wanted)
    cache = row.cache
    if remembers_the_same(cache.method, wanted.method):
        cache = replace(cache, method=wanted.method, num_steps=wanted.num_steps)
    else:
        begun = SampleCache.start(wanted.method, wanted.num_steps)
        cache = replace(begun, step_index=cache.step_index, statistics=cache.statistics)
    return replace(fresh, cache=cache)


def remembers_the_same(one: Method | None, other: Method | None) -> bool:
    """True where a state of one method means the same to the other: they differ in gates' values and guards."""
    if one is None or other is None or len(one.stages) != len(other.stages):
        return one == other
    if any(type(a.gate) is not type(b.gate) for a, b in zip(one.stages, other.stages, strict=True)):
        return False
    stages = tuple(replace(b, gate=a.gate) for a, b in zip(one.stages, other.stages, strict=True))
    return replace(other, name=one.name, stages=stages, guards=one.guards) == one


class Runs:
    """Runs by the identity of some tensors, which are held weakly: when one of them goes, so does the run.

    Each access is one operation on a dictionary, which Python makes whole: threads need no lock, and a tensor that
    goes in the midst of one does no harm.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], tuple[Run, tuple[weakref.ref[Tensor], ...]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, tensors: Sequence[Tensor]) -> Run | None:
        """The run that these tensors tell, None before its first step."""
        known = self._known.get(_key(tensors))
        return None if known is None else known[0]

    def put(self, tensors: Sequence[Tensor], run: Run) -> None:
        """Keep the run for as long as all of these tensors live."""
        known, key = self._known, _key(tensors)
        if key in known:
            known[key] = (run, known[key][1])
            return

        def forget(_: weakref.ref[Tensor]) -> None:
            known.pop(key, None)

        known[key] = (run, tuple(weakref.ref(tensor, forget) for tensor in tensors))


def _key(tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """An identity that is given out again finds nothing: the run of the tensor that had it is gone."""
    return tuple(id(tensor) for tensor in tensors)
