"""A sample's state as bytes: one safetensors file, tensors as they are, all else as JSON in its header."""

import json
from dataclasses import asdict
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from h2cache.errors import H2CacheError
from h2cache.parts import from_json, to_json
from h2cache.state import Anchor, Forecast, Reference, SampleCache, StageCache
from h2cache.stats import SampleStatistics

FORMAT = "h2cache-6"


def to_bytes(cache: SampleCache) -> bytes:
    """The state, to be taken up by another process; no pickle."""
    tensors: dict[str, Tensor] = {}
    facts = {
        "method": None if cache.method is None else to_json(cache.method),
        "num_steps": cache.num_steps,
        "step_index": cache.step_index,
        "stages": [_write_stage(stage, f"{i}", tensors) for i, stage in enumerate(cache.stages)],
        "statistics": asdict(cache.statistics),
    }
    # Two parts of a state may share a tensor, which the format does not allow.
    whole = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    return save(whole, metadata={"format": FORMAT, "sample": json.dumps(facts)})


def from_bytes(content: bytes, device: torch.device | str = "cpu") -> SampleCache:
    """What ``to_bytes`` wrote, on ``device``. Raises H2CacheError for any other bytes; nothing in them is run."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        version, facts = header["__metadata__"]["format"], json.loads(header["__metadata__"]["sample"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise H2CacheError(f"{len(content)} bytes are not a saved sample") from error
    if version != FORMAT:
        raise H2CacheError(f"saved sample has format {version[:64]!r}, allowed is {FORMAT!r}")
    try:
        cache = SampleCache(
            None if facts["method"] is None else from_json(facts["method"]),
            facts["num_steps"],
            facts["step_index"],
            tuple(_read_stage(stage, f"{i}", tensors) for i, stage in enumerate(facts["stages"])),
            SampleStatistics(**facts["statistics"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise H2CacheError(f"{len(content)} bytes are not a whole saved sample: {error}") from error
    return cache.to(device)


def _write_stage(stage: StageCache, name: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {
        "anchors": [_write_anchor(anchor, f"{name}.{i}", tensors) for i, anchor in enumerate(stage.anchors)],
        "previous": _write_reference(stage.previous, f"{name}.previous", tensors),
        "memory": stage.memory,
        "consecutive": stage.consecutive,
    }


def _write_anchor(anchor: Anchor, name: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    tensors |= {f"{name}.img": anchor.img, f"{name}.mark": anchor.mark}
    if anchor.txt is not None:
        tensors[f"{name}.txt"] = anchor.txt
    return {
        "step_index": anchor.step_index,
        "text": anchor.txt is not None,
        "forecast": _write_forecast(anchor.forecast, name, tensors),
        "gap": anchor.gap,
        "seen": _write_reference(anchor.seen, f"{name}.seen", tensors),
        "followed": _write_reference(anchor.followed, f"{name}.followed", tensors),
    }


def _write_reference(seen: Reference | None, name: str, tensors: dict[str, Tensor]) -> bool:
    if seen is not None:
        tensors |= {f"{name}.summary": seen.summary, f"{name}.scale": seen.scale}
    return seen is not None


def _write_forecast(known: Forecast | None, name: str, tensors: dict[str, Tensor]) -> dict[str, Any] | None:
    if known is None:
        return None
    tensors[f"{name}.sigma"] = known.sigma
    if known.rate is not None:
        tensors[f"{name}.rate"] = known.rate
    return {"rate": known.rate is not None, "level": known.level}


def _read_stage(facts: dict[str, Any], name: str, tensors: dict[str, Tensor]) -> StageCache:
    return StageCache(
        tuple(_read_anchor(anchor, f"{name}.{i}", tensors) for i, anchor in enumerate(facts["anchors"])),
        _read_reference(facts["previous"], f"{name}.previous", tensors),
        tuple(facts["memory"]),
        facts["consecutive"],
    )


def _read_anchor(facts: dict[str, Any], name: str, tensors: dict[str, Tensor]) -> Anchor:
    return Anchor(
        facts["step_index"],
        tensors[f"{name}.img"],
        tensors[f"{name}.txt"] if facts["text"] else None,
        tensors[f"{name}.mark"],
        _read_reference(facts["seen"], f"{name}.seen", tensors),
        _read_reference(facts["followed"], f"{name}.followed", tensors),
        _read_forecast(facts["forecast"], name, tensors),
        facts["gap"],
    )


def _read_forecast(facts: dict[str, Any] | None, name: str, tensors: dict[str, Tensor]) -> Forecast | None:
    if facts is None:
        return None
    rate = tensors[f"{name}.rate"] if facts["rate"] else None
    return Forecast(tensors[f"{name}.sigma"], rate, facts["level"])


def _read_reference(is_there: bool, name: str, tensors: dict[str, Tensor]) -> Reference | None:
    return Reference(tensors[f"{name}.summary"], tensors[f"{name}.scale"]) if is_there else None
