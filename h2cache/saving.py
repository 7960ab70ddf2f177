"""A sample's state as safetensors bytes, so that a job can move to another worker."""

import json
from dataclasses import asdict

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from h2cache.errors import H2CacheError
from h2cache.settings import CacheSettings
from h2cache.state import SampleCache, StageCache
from h2cache.stats import SampleStatistics

FORMAT = "h2cache-1"


def to_bytes(cache: SampleCache) -> bytes:
    """Tensors as safetensors, everything else as JSON in its metadata."""
    tensors: dict[str, Tensor] = {}
    for name, stage in (("structure", cache.structure), ("detail", cache.detail)):
        if stage.summary is not None:
            tensors[f"{name}.summary"] = stage.summary.contiguous()
        tensors |= {f"{name}.residual.{i}": part.contiguous() for i, part in enumerate(stage.residual)}
    numbers = {
        "settings": None if cache.settings is None else asdict(cache.settings),
        "num_steps": cache.num_steps,
        "step_index": cache.step_index,
        "structure_consecutive": cache.structure.consecutive,
        "detail_consecutive": cache.detail.consecutive,
        "statistics": asdict(cache.statistics),
    }
    return save(tensors, metadata={"format": FORMAT, "sample": json.dumps(numbers)})


def from_bytes(content: bytes, device: torch.device | str = "cpu") -> SampleCache:
    """The state that ``to_bytes`` wrote. Raises H2CacheError for anything else."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        known = header["format"] == FORMAT
        numbers = json.loads(header["sample"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise H2CacheError(f"{len(content)} bytes are not a saved sample") from error
    if not known:
        raise H2CacheError(f"saved sample has format {header['format'][:64]!r}, allowed is {FORMAT!r}")
    settings = numbers["settings"]
    cache = SampleCache(
        None if settings is None else CacheSettings(**settings),
        numbers["num_steps"],
        numbers["step_index"],
        _stage(tensors, "structure", numbers["structure_consecutive"]),
        _stage(tensors, "detail", numbers["detail_consecutive"]),
        SampleStatistics(**numbers["statistics"]),
    )
    return cache.to(device)


def _stage(tensors: dict[str, Tensor], name: str, consecutive: int) -> StageCache:
    parts = sorted(key for key in tensors if key.startswith(f"{name}.residual."))
    return StageCache(tensors.get(f"{name}.summary"), tuple(tensors[key] for key in parts), consecutive)
