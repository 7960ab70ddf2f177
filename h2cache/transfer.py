"""The only two crossings between host and device in a step."""

from collections.abc import Sequence

import torch
from torch import Tensor


def upload(numbers: Sequence[float], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Host numbers as a tensor (B,) on the device; nobody waits."""
    return send(torch.tensor(numbers, dtype=dtype), device)


def send(host: Tensor, device: torch.device) -> Tensor:
    """A host tensor on the device; nobody waits.

    A copy from pageable memory would make the host wait for a CUDA device, one from pinned memory does not.
    """
    if device.type == "cuda":
        host = host.pin_memory()
    return host.to(device, non_blocking=True)


def read(table: Tensor) -> list[list[float]]:
    """A small table (R, B) on the host. NOTE: the host waits for the device here, and nowhere else."""
    rows: list[list[float]] = table.tolist()
    return rows
