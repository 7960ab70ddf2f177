"""Foreign clients, each in an environment of its own: their pins and ours would clash.

``make clients`` makes them under .venv-clients; CLIENTS names another folder.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(os.environ.get("CLIENTS", ROOT / ".venv-clients"))


def python_of(client: str) -> str:
    """The interpreter that has the client; the test skips without it, and fails in CI."""
    python = FOLDER / client / "bin" / "python"
    return there_or_skip(str(python) if python.exists() else None, f"{python} is missing: make clients")


def node() -> str:
    """Node.js of 18 or newer, whose fetch is a browser's."""
    return there_or_skip(shutil.which("node"), "there is no node here: apt-get install nodejs")


def run(command: list[str], folder: Path) -> str:
    """Standard output of a program that has to end well."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches a price list
    said = subprocess.run(
        command, capture_output=True, text=True, env=environ, cwd=folder, timeout=120, check=False
    )
    assert said.returncode == 0, said.stderr[-2000:]
    return said.stdout


def there_or_skip(found: str | None, reason: str) -> str:
    """What was found; the test skips without it, and fails in CI."""
    if found is None:
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    return found
