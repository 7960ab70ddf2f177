"""Published step times of GPUs that may never have been run on: ``config/gpus.toml``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from server.errors import SettingsError

FILE = Path(__file__).parents[2] / "config" / "gpus.toml"


@dataclass(frozen=True, slots=True)
class Gpu:
    """``step_s``: one sample's full step of FLUX.1-dev at 1024 x 1024; ``source``: who measured it, and how."""

    step_s: float
    source: str


def known_gpus(file: Path = FILE) -> dict[str, Gpu]:
    """By name."""
    return {name: Gpu(**entry) for name, entry in tomllib.loads(file.read_text()).items()}


def gpu_named(name: str) -> Gpu:
    """Raises SettingsError for an unknown name."""
    gpus = known_gpus()
    if name not in gpus:
        raise SettingsError(f"GPU {name[:64]!r} is unknown, allowed are {', '.join(gpus)}, or give --step-times")
    return gpus[name]
