"""How much a sample will hold, from shapes alone."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import torch

from h2cache import FluxModel, Method, cache_bytes
from server.engine.embedding import Embedding
from server.engine.input_images import Given
from server.engine.latents import num_tokens

SHARE_OF_FREE = 0.5
"""Of what is free after loading; the rest is for a step's activations and for decoding."""


def sample_bytes(
    flux: FluxModel,
    width: int,
    height: int,
    steps: int,
    embeddings: Sequence[Embedding],
    given: Given,
    dtype: torch.dtype,
    method: Method | None,
) -> int:
    """Latents, schedule, what is given and, for each of the sample's rows, its text and its cache's full state."""
    tokens, text_tokens = num_tokens(width, height), len(embeddings[0].tokens)
    shared = tokens * flux.channels * dtype.itemsize + 4 * (steps + 1) + given.nbytes
    state = 0 if method is None else cache_bytes(flux, method, tokens, text_tokens, given.num_references)
    return shared + sum(embedding.nbytes + state for embedding in embeddings)


def default_budget(device: torch.device) -> int:
    """Half of the memory that is free now."""
    if device.type == "cuda":
        return int(SHARE_OF_FREE * torch.cuda.mem_get_info(device)[0])
    return int(SHARE_OF_FREE * available_bytes(Path("/proc/meminfo")))


def allocated_bytes(device: torch.device) -> int | None:
    """What torch has allocated on a CUDA device; asks the allocator's books, not the device."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else None


def available_bytes(meminfo: Path) -> int:
    """What Linux says can be had without swapping, page cache included; elsewhere half of what is built in."""
    if meminfo.exists():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE)
        if found:
            return 1024 * int(found.group(1))
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
