"""openai-python, unchanged and in a virtual environment of its own, is served as it expects.

OPENAI_VENV names that environment (``python -m venv DIR && DIR/bin/pip install openai``).
"""

import os
import subprocess
from pathlib import Path

import pytest

from server.engine.fake import InstantEngine
from tests.live import live_server

VENV = Path(os.environ.get("OPENAI_VENV", "/tmp/openai-venv"))
SCRIPT = Path(__file__).parent / "with_openai.py"


def test_openai_python_generates_streams_and_gets_addresses() -> None:
    python = VENV / "bin" / "python"
    if not python.exists():
        assert not os.environ.get("CI"), f"{VENV} has no openai-python"
        pytest.skip(f"{VENV} has no openai-python")
    with live_server(InstantEngine) as client:
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [str(python), str(SCRIPT), f"{client.base_url}/v1"]
        said = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120, check=False)
    assert said.returncode == 0, said.stderr[-2000:]
