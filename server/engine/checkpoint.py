"""A sample between two steps as bytes, and a sample that goes on from such bytes.

One safetensors file: the latents, and for each of the sample's rows its cache as ``h2cache.to_bytes`` writes it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from h2cache import H2CacheError, SampleCache, from_bytes, to_bytes
from server.engine.sample import Sample

FORMAT = "h2serve-checkpoint-1"


class CheckpointError(ValueError):
    """The bytes are no checkpoint of this sample."""


@dataclass(frozen=True)
class Snapshot:
    """What a sample owns after ``step`` steps. Nobody changes these tensors: each step makes new ones."""

    sample_id: str
    step: int
    latents: Tensor
    caches: Sequence[SampleCache]

    @property
    def nbytes(self) -> int:
        """Bytes of latents and caches."""
        return self.latents.nbytes + sum(cache.nbytes for cache in self.caches)


@dataclass(frozen=True)
class Checkpoint:
    """``latents`` (T, C) and a cache a row. ``is_exact``: nothing was left out."""

    latents: Tensor
    caches: tuple[SampleCache, ...]
    is_exact: bool


def snapshot(sample: Sample) -> Snapshot:
    """By reference: it costs the step loop nothing."""
    return Snapshot(sample.order.sample_id, sample.step, sample.latents, sample.caches)


def write_checkpoint(state: Snapshot, full_up_to_bytes: int) -> tuple[bytes, bool]:
    """The bytes, and whether they are exact: above the limit the caches go without their tensors."""
    is_full = state.nbytes <= full_up_to_bytes
    is_exact = is_full or all(cache.method is None for cache in state.caches)
    tensors = {"latents": state.latents.contiguous()}
    for row, cache in enumerate(state.caches):
        content = bytearray(to_bytes(cache if is_full else cache.without_tensors()))
        tensors[f"cache.{row}"] = torch.frombuffer(content, dtype=torch.uint8)
    return save(tensors, {"format": FORMAT, "exact": json.dumps(is_exact)}), is_exact


def read_checkpoint(content: bytes, device: torch.device) -> Checkpoint:
    """What ``write_checkpoint`` wrote, on ``device``. Raises CheckpointError; nothing in the bytes is run."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        if header["format"] != FORMAT:
            raise CheckpointError(f"checkpoint has format {header['format'][:64]!r}, allowed is {FORMAT!r}")
        rows = [tensors[f"cache.{row}"].numpy().tobytes() for row in range(len(tensors) - 1)]
        caches = tuple(from_bytes(row, device) for row in rows)
        return Checkpoint(tensors["latents"].to(device), caches, bool(json.loads(header["exact"])))
    except (SafetensorError, H2CacheError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{len(content)} bytes are not a checkpoint: {error}") from error


def resume(sample: Sample, checkpoint: Checkpoint) -> Sample:
    """The prepared sample as it was when it was saved. Raises CheckpointError when it is another's."""
    latents, caches = checkpoint.latents, checkpoint.caches
    if (latents.shape, latents.dtype) != (sample.latents.shape, sample.latents.dtype):
        raise CheckpointError(f"checkpoint has latents {tuple(latents.shape)} of {latents.dtype}")
    if [(cache.method, cache.num_steps) for cache in caches] != [
        (cache.method, cache.num_steps) for cache in sample.caches
    ]:
        raise CheckpointError("checkpoint has other rows, methods or numbers of steps")
    if len({cache.step_index for cache in caches}) != 1 or caches[0].step_index >= caches[0].num_steps:
        raise CheckpointError("checkpoint is not between two steps")
    return replace(sample, latents=latents, caches=caches)
