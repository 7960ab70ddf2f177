"""An image's stages as spans: when each began and ended, from how long each took. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.request import CacheCounts, Timings

NS_A_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """``begin_ns`` and ``end_ns`` since 1970."""

    name: str
    begin_ns: int
    end_ns: int
    attributes: Mapping[str, str | int | float]


def stages_of(image_index: int, timings: Timings, counts: CacheCounts, end_ns: int) -> tuple[Stage, ...]:
    """queue, encode, denoise, decode, one after the other, the last of which ends at ``end_ns``.

    The engine tells durations only. What it does not account for is queueing, and is put first, though a part may
    lie between the others.
    """
    told: dict[str, str | int | float] = {
        "h2serve.steps": counts.steps,
        "h2serve.full": counts.full,
        "h2serve.detail_hits": counts.detail_hits,
        "h2serve.structure_hits": counts.structure_hits,
        "h2serve.flops_ratio": counts.flops_ratio,
    }
    stages: list[Stage] = []
    for name in ("decode", "denoise", "encode", "queue"):
        begin_ns = end_ns - round(NS_A_MS * getattr(timings, f"{name}_ms"))
        attributes = {"h2serve.image": image_index, **(told if name == "denoise" else {})}
        stages.append(Stage(name, begin_ns, end_ns, attributes))
        end_ns = begin_ns
    return tuple(reversed(stages))
