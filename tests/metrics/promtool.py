"""Prometheus' own tools. Where they are missing a test skips and says so; in CI it fails."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "docker" / "prometheus"
DASHBOARDS = ROOT / "docker" / "grafana" / "dashboards"


def tool(name: str) -> str:
    """The path of ``promtool`` or ``prometheus``, which Debian's package prometheus brings."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and CI may not skip: apt-get install prometheus")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install prometheus)")
    return found


def promtool(*arguments: str, text: str = "") -> str:
    """What it says; its failure fails the test."""
    done = subprocess.run(
        [tool("promtool"), *arguments], input=text, capture_output=True, text=True, cwd=RULES, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
