"""Which errors leave the device's context useless for the whole process."""

import torch

MARKS = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "HIP error", "device-side assert", "NCCL error")
"""How torch words what the driver reports; running out of memory is worded otherwise and passes."""


def is_device_lost(error: BaseException) -> bool:
    """True where every later call would fail too: a kernel that faulted, a device that fell off the bus."""
    if isinstance(error, torch.OutOfMemoryError):
        return False
    return isinstance(error, RuntimeError) and any(mark in str(error) for mark in MARKS)
