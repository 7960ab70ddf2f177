"""A method put together by the caller, part by part: what requests by parts are made of."""

from collections.abc import Mapping
from typing import Any

from h2cache.errors import H2CacheError
from h2cache.fill import Fill
from h2cache.gate import Gate, Norm
from h2cache.gates.accumulated import Accumulated
from h2cache.guards import Guards
from h2cache.layout import FLUX1_BLOCKS, FirstAndLast, Layout, TwoStages
from h2cache.method import Against, Measure, Method, Reused, Stage
from h2cache.parts import PARTS, call, part_of
from h2cache.signal import Latents, ProbeResidual, ProbeState
from h2cache.summaries.whole import Whole
from h2cache.summary import Summary

KEYS = ("layout", "signal", "distance", "gate", "fill", "guards")


def by_parts(said: Mapping[str, Any]) -> Method:
    """A method of ``{"layout", "signal", "distance", "gate", "fill", "guards"}``; only the gate has no default.

    A part is a name, or an object of its ``kind`` and parameters. With two stages ``signal``, ``distance``,
    ``gate`` and ``fill`` may be lists of two. A fill says what it is ``of``, see ``Reused``; "rest" if it does
    not. Raises H2CacheError, also for what has no meaning together.
    """
    for key in said:
        if key not in KEYS:
            raise H2CacheError(f"{str(key)[:64]!r} is no part, allowed are {', '.join(KEYS)}")
    layout: Layout = part_of(said.get("layout") or "one-stage", "layout")
    if isinstance(layout, FirstAndLast) and layout.first + layout.last >= FLUX1_BLOCKS:
        raise H2CacheError(
            f"layout has first {layout.first} and last {layout.last}, allowed are less than 57 of both"
        )
    two = isinstance(layout, TwoStages)
    stages = tuple(_stage(_of_stage(said, number, two)) for number in range(layout.num_gates))
    guards = said.get("guards") or {}
    if not isinstance(guards, Mapping):
        raise H2CacheError("guards is of the wrong type, allowed is an object")
    return Method("parts", layout, stages, call(Guards, guards, "guards"), linked=two)


def _of_stage(said: Mapping[str, Any], number: int, two: bool) -> dict[str, Any]:
    """What is said of one stage."""
    found = {key: said.get(key) for key in ("signal", "distance", "gate", "fill")}
    for key, value in found.items():
        if isinstance(value, list | tuple):
            if not two or len(value) != 2:
                raise H2CacheError(f"{key} is a list of {len(value)}, allowed is one a stage where there are two")
            found[key] = value[number]
    return found


def _stage(said: Mapping[str, Any]) -> Stage:
    if said["gate"] is None:
        raise H2CacheError("gate is missing, and there is no default")
    gate: Gate = part_of(said["gate"], "gate")
    fill, reused = _fill(said["fill"] or "last")
    measure = _measure(said, gate)
    looks = gate.measures is not None and not gate.measures.is_of_forecast
    if measure is None and (looks or fill.needs_signal):
        needs = "the gate" if looks else "the fill"
        raise H2CacheError(f"signal is missing, and {needs} needs one, allowed are {', '.join(PARTS['signal'])}")
    if measure is None:
        return Stage(gate, fill, reused=reused)
    if not looks and not fill.needs_signal:
        raise H2CacheError("signal is said, and neither the gate nor the fill looks at one")
    followed = _followed(measure) if fill.needs_signal else None
    return Stage(gate, fill, measure if looks else None, reused, followed)


def _fill(said: Any) -> tuple[Fill, Reused]:
    """The fill, and what it is of."""
    of = said.get("of") if isinstance(said, Mapping) else None
    words = [str(each) for each in Reused]
    if of is not None and of not in words:
        raise H2CacheError(f"of is {str(of)[:64]!r}, allowed are {', '.join(words)}")
    plain = {key: value for key, value in said.items() if key != "of"} if isinstance(said, Mapping) else said
    return part_of(plain, "fill"), Reused.REST if of is None else Reused(of)


def _measure(said: Mapping[str, Any], gate: Gate) -> Measure | None:
    if said["signal"] is None:
        if said["distance"] is not None:
            raise H2CacheError("distance is said, and there is no signal")
        return None
    signal = part_of(said["signal"], "signal")
    summary: Summary = Whole() if said["distance"] is None else part_of(said["distance"], "summary", "distance")
    if gate.measures is Norm.RMS and not (isinstance(signal, Latents) and isinstance(summary, Whole)):
        raise H2CacheError(
            "gate sensitivity is about whole latents, allowed are signal latents and distance whole"
        )
    return Measure(signal, summary, Against.PREVIOUS if isinstance(gate, Accumulated) else Against.COMPUTED)


def _followed(measure: Measure) -> Measure:
    """What a fill compares steps by: of a probe what its blocks added, as DiCache does."""
    signal = ProbeResidual() if isinstance(measure.signal, ProbeState) else measure.signal
    return Measure(signal, measure.summary)
