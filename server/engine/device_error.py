"""Errors that leave the device's context useless for the whole process."""

MARKS = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "HIP error", "device-side assert", "NCCL error")
"""How torch words what the driver reports."""


class DeviceFault(RuntimeError):
    """The device failed at something of these samples, and nothing more can be computed on it."""

    def __init__(self, message: str, sample_ids: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.sample_ids = sample_ids


def is_device_lost(error: BaseException) -> bool:
    """True where every later call would fail too: a kernel that faulted, a device that fell off the bus.

    Running out of memory passes when others let go of theirs.
    """
    text = str(error)
    return isinstance(error, RuntimeError) and any(mark in text for mark in MARKS) and "out of memory" not in text


def fault_of(error: Exception, *sample_ids: str) -> DeviceFault:
    """The error as the fault of these samples, or of some of them."""
    return DeviceFault(f"{type(error).__name__}: {str(error)[:200]}", sample_ids)
