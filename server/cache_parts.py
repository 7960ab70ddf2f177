"""The parts that a request can put a caching method together of, and which of them have a meaning together.

The API checks with this, without torch; the parts themselves are ``h2cache.parts`` and ``h2cache.by_parts``, and a
test holds both against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.cache_methods import Flag, Letters, Number, Numbers, OneOf, Parameter, Whole

OF = OneOf(("rest", "stage", "state", "output", "over-latents"))
_ORDER = {"order": Whole(1, 2), "since": Whole()}

PART_KINDS: Mapping[str, Mapping[str, Mapping[str, Parameter]]] = {
    "layout": {
        "two-stages": {},
        "one-stage": {},
        "whole-step": {},
        "first-and-last": {"first": Whole(1, 56), "last": Whole(0, 55)},
    },
    "signal": {
        "probe-residual": {"text": Flag()},
        "probe-state": {},
        "modulated-input": {},
        "latents": {},
    },
    "distance": {
        "windows": {"pool_size": Whole(1)},
        "whole": {},
        "grid-average": {"side": Whole(1)},
        "wiener": {"power": Number(0, 100)},
        "disc": {"radius": Number(0.001)},
    },
    "gate": {
        "below": {"threshold": Number(), "at": Flag()},
        "accumulated": {"threshold": Number(), "polynomial": Numbers(-1e12, 0)},
        "magnitude": {
            "threshold": Number(),
            "max_skips": Whole(),
            "ratios": Numbers(0, 1),
            "warmup_share": Number(0, 1),
        },
        "interval": {"every": Whole(1), "offset": Whole()},
        "mask": {"steps": Letters()},
        "rate-control": {"tau1": Number(), "tau2": Number()},
        "sensitivity": {
            "threshold": Number(),
            "start": Number(),
            "to_latents": Numbers(0, 1),
            "to_time": Numbers(0, 1),
            "times": Numbers(0, 1),
            "max_skips": Whole(),
            "start_share": Number(0, 1),
        },
    },
    "fill": {
        "last": {},
        "guarded": {"most": Number(1)},
        "taylor": _ORDER,
        "polynomial": {"order": Whole(0, 4), "calms_first": Flag()},
        "hermite": {**_ORDER, "scale": Number(), "cutoff": Number()},
        "average": {},
        "scaled": {"gains": Numbers(-1e6, 0)},
    },
}
"""By role and kind; a fill says besides what it is ``of``."""
GUARDS: Mapping[str, Parameter] = {
    "warmup": Whole(),
    "warmup_share": Number(0, 1),
    "last_full": Flag(),
    "max_consecutive": Whole(),
    "max_reuse_share": Number(0, 1),
    "min_reuse_share": Number(0, 1),
}
PARTS_NEED: Mapping[str, tuple[str, ...]] = {
    "windows": ("pool_size",),
    "below": ("threshold",),
    "accumulated": ("threshold",),
    "mask": ("steps",),
    "rate-control": ("tau1", "tau2"),
    "sensitivity": ("threshold", "start", "to_latents", "to_time", "times"),
}
"""Parameters without a default, by kind."""
PARTS_AS_LONG: Mapping[str, tuple[str, ...]] = {"sensitivity": ("to_latents", "to_time", "times")}
A_STAGE = ("signal", "distance", "gate", "fill")
"""With two stages these may be lists of two."""
ROLES = (*PART_KINDS, "guards")
MEASURING = ("below", "accumulated", "sensitivity")
VELOCITIES = ("output", "over-latents")
ON_THE_GRID = ("grid-average", "wiener", "disc")
FLUX1_BLOCKS = 57


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why parts have no meaning together; ``role`` (and ``parameter`` of it) is what has to be changed."""

    role: str
    reason: str
    parameter: str | None = None


def misfits(parts: Mapping[str, Any], guards: Mapping[str, Any]) -> Sequence[Misfit]:
    """What is wrong with checked parts: the layout, then stage by stage, then the bounds."""
    layout = parts["layout"]
    found = []
    if layout["kind"] == "first-and-last" and layout.get("first", 8) + layout.get("last", 0) >= FLUX1_BLOCKS:
        found.append(
            Misfit("layout", "is as many blocks as there are with last, allowed are less than 57", "first")
        )
    for number in range(2 if layout["kind"] == "two-stages" else 1):
        stage = {role: of_stage(parts.get(role), number) for role in A_STAGE}
        found += _wrong_signal(stage, layout["kind"], number)
        found += _wrong_fill(stage, layout, number)
    if guards.get("max_reuse_share", 1.0) < guards.get("min_reuse_share", 0.0):
        found.append(Misfit("guards", "is below min_reuse_share, allowed is as much or more", "max_reuse_share"))
    return found


def of_stage(part: Any, number: int) -> dict[str, Any] | None:
    """A stage's own part: one for both stages, or one of a list."""
    chosen: dict[str, Any] | None = part[number] if isinstance(part, list) else part
    return chosen


def _wrong_signal(stage: Mapping[str, Any], layout: str, number: int) -> list[Misfit]:
    gate, fill, signal = stage["gate"]["kind"], stage["fill"]["kind"], stage["signal"]
    distance = (stage["distance"] or {"kind": "whole"})["kind"]
    looks = gate in MEASURING or fill == "guarded"
    if signal is None:
        if looks:
            reason = f"is missing, and gate {gate} with fill {fill} needs one"
            return [Misfit("signal", f"{reason}, allowed are {', '.join(PART_KINDS['signal'])}")]
        return (
            [Misfit("distance", "is said, and there is no signal, allowed is none")] if stage["distance"] else []
        )
    kind = signal["kind"]
    if not looks:
        return [
            Misfit("signal", f"is {kind}, and neither gate {gate} nor fill {fill} looks at one, allowed is none")
        ]
    if kind.startswith("probe-") and layout == "whole-step":
        return [Misfit("signal", f"is {kind}, and whole-step has no probe, allowed are modulated-input, latents")]
    if kind == "modulated-input" and number > 0:
        return [
            Misfit("signal", "is the first block's, and the second stage starts later, allowed are the others")
        ]
    if signal.get("text") and distance in ON_THE_GRID:
        return [
            Misfit("distance", f"is {distance}, which text tokens have no place in, allowed are windows, whole")
        ]
    if gate == "sensitivity" and kind != "latents":
        return [Misfit("signal", f"is {kind}, and gate sensitivity is about latents, allowed is latents")]
    if gate == "sensitivity" and distance != "whole":
        return [Misfit("distance", f"is {distance}, and gate sensitivity is about all latents, allowed is whole")]
    return []


def _wrong_fill(stage: Mapping[str, Any], layout: Mapping[str, Any], number: int) -> list[Misfit]:
    kind, fill = layout["kind"], stage["fill"]
    of = fill.get("of", "rest")
    ends_last = not layout.get("last", 0) if kind == "first-and-last" else kind != "two-stages" or number == 1
    is_all = ends_last and kind != "two-stages"
    if of in VELOCITIES and not is_all:
        return [
            Misfit("fill", f"is {of}, which only a stage of all blocks has, allowed are rest, stage, state", "of")
        ]
    if fill.get("calms_first") and of != "output":
        allowed = "false" if not is_all else "false, or of output"
        return [Misfit("fill", f"is for velocities, and the fill is of {of}, allowed is {allowed}", "calms_first")]
    if fill.get("cutoff") is not None and not ends_last:
        return [Misfit("fill", "is for images, and the stage's end has text tokens, allowed is none", "cutoff")]
    return []
