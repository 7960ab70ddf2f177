"""Methods as JSON and back: every part by a name, every parameter checked."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from h2cache.errors import H2CacheError
from h2cache.fills.average import Average
from h2cache.fills.guarded import Guarded
from h2cache.fills.hermite import Hermite
from h2cache.fills.last import Last
from h2cache.fills.polynomial import Polynomial
from h2cache.fills.scaled import Scaled
from h2cache.fills.taylor import Taylor
from h2cache.gates.accumulated import Accumulated
from h2cache.gates.below import Below
from h2cache.gates.interval import Interval
from h2cache.gates.magnitude import Magnitude
from h2cache.gates.mask import Mask
from h2cache.gates.rate_control import RateControl
from h2cache.gates.sensitivity import Sensitivity
from h2cache.guards import Guards
from h2cache.layout import FirstAndLast, OneStage, TwoStages, WholeStep
from h2cache.method import Against, Measure, Method, Reused, Stage
from h2cache.signal import Latents, ModulatedInput, ProbeResidual, ProbeState
from h2cache.summaries.grid_average import GridAverage
from h2cache.summaries.low_pass import Disc, Wiener
from h2cache.summaries.whole import Whole
from h2cache.summaries.windows import Windows

PARTS: Mapping[str, Mapping[str, type]] = {
    "layout": {
        "two-stages": TwoStages,
        "one-stage": OneStage,
        "whole-step": WholeStep,
        "first-and-last": FirstAndLast,
    },
    "signal": {
        "probe-residual": ProbeResidual,
        "probe-state": ProbeState,
        "modulated-input": ModulatedInput,
        "latents": Latents,
    },
    "summary": {
        "windows": Windows,
        "whole": Whole,
        "grid-average": GridAverage,
        "wiener": Wiener,
        "disc": Disc,
    },
    "gate": {
        "below": Below,
        "accumulated": Accumulated,
        "magnitude": Magnitude,
        "interval": Interval,
        "mask": Mask,
        "sensitivity": Sensitivity,
        "rate-control": RateControl,
    },
    "fill": {
        "last": Last,
        "guarded": Guarded,
        "taylor": Taylor,
        "polynomial": Polynomial,
        "hermite": Hermite,
        "average": Average,
        "scaled": Scaled,
    },
}


def to_json(method: Method) -> dict[str, Any]:
    """The method as JSON values."""
    return {
        "name": method.name,
        "layout": _part(method.layout, "layout"),
        "stages": [_stage(stage) for stage in method.stages],
        "guards": {field.name: getattr(method.guards, field.name) for field in fields(method.guards)},
        "linked": method.linked,
    }


def from_json(said: Mapping[str, Any]) -> Method:
    """What ``to_json`` gave. Raises H2CacheError for an unknown part or parameter; KeyError for a missing one."""
    return Method(
        said["name"],
        part_of(said["layout"], "layout"),
        tuple(_read_stage(stage) for stage in said["stages"]),
        call(Guards, said["guards"], "guards"),
        said["linked"],
    )


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "gate": _part(stage.gate, "gate"),
        "fill": _part(stage.fill, "fill"),
        "reused": stage.reused.value,
        "measure": None if stage.measure is None else _measure(stage.measure),
        "follow": None if stage.follow is None else _measure(stage.follow),
    }


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "signal": _part(measure.signal, "signal"),
        "summary": _part(measure.summary, "summary"),
        "against": measure.against.value,
    }


def _read_stage(said: Mapping[str, Any]) -> Stage:
    return Stage(
        part_of(said["gate"], "gate"),
        part_of(said["fill"], "fill"),
        None if said["measure"] is None else _read_measure(said["measure"]),
        Reused(said["reused"]),
        None if said["follow"] is None else _read_measure(said["follow"]),
    )


def _read_measure(said: Mapping[str, Any]) -> Measure:
    return Measure(
        part_of(said["signal"], "signal"), part_of(said["summary"], "summary"), Against(said["against"])
    )


def _part(part: Any, role: str) -> dict[str, Any]:
    (kind,) = [kind for kind, cls in PARTS[role].items() if cls is type(part)]
    return {"kind": kind, **{field.name: getattr(part, field.name) for field in fields(part)}}


def part_of(said: Any, role: str, called: str | None = None) -> Any:
    """A part by its name, or by an object of its ``kind`` and parameters; ``called`` is the role's name outside.

    Raises H2CacheError for an unknown kind or parameter, and for one that is missing or wrong.
    """
    called, kinds = called or role, PARTS[role]
    kind = said.get("kind") if isinstance(said, Mapping) else said
    if not isinstance(kind, str) or kind not in kinds:
        raise H2CacheError(f"{called} is {str(kind)[:64]!r}, allowed are {', '.join(kinds)}")
    values = {key: value for key, value in said.items() if key != "kind"} if isinstance(said, Mapping) else {}
    return call(kinds[kind], values, f"{called} {kind}")


def call(cls: type, values: Mapping[str, Any], what: str) -> Any:
    """A part of its values. Raises H2CacheError for unknown, missing and wrong ones."""
    known = {field.name: field for field in fields(cls)}
    for key in values:
        if key not in known:
            allowed = ", ".join(known) or "none"
            raise H2CacheError(f"{str(key)[:64]!r} is no parameter of {what}, allowed are {allowed}")
    for key, field in known.items():
        if key not in values and field.default is MISSING and field.default_factory is MISSING:
            raise H2CacheError(f"{what} needs {key}")
    return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
