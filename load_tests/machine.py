"""What a run was made on and with, so that a number can be traced."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    "httpx",
    "numpy",
    "pillow",
    "scikit-image",
    "flip-evaluator",
    "torch",
    "diffusers",
    "fastapi",
    "litserve",
)


def describe_machine() -> dict[str, Any]:
    """Of the generator; a server on the loopback shares it."""
    return {
        "system": platform.platform(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": os.getloadavg(),
        "gpus": said_by(["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := package_version(name))},
    }


def describe_commit(folder: Path) -> dict[str, Any]:
    """Of the working tree that the generator runs from; None where git does not know."""
    commit = said_by(["git", "-C", str(folder), "rev-parse", "HEAD"])
    changes = said_by(["git", "-C", str(folder), "status", "--porcelain"])
    return {"commit": commit, "has_changes": None if commit is None else bool(changes)}


def cpu_name() -> str:
    """As the kernel calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def package_version(name: str) -> str | None:
    """None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def said_by(command: Sequence[str]) -> str | None:
    """Its output, None where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
