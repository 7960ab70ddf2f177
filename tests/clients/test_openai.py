"""openai-python, unchanged and in a virtual environment of its own, is served as it expects."""

from pathlib import Path

from server.engine.fake import InstantEngine
from tests.clients.foreign import python_of, run
from tests.live import live_server

SCRIPT = Path(__file__).parent / "with_openai.py"


def test_openai_python_generates_streams_and_gets_addresses(tmp_path: Path) -> None:
    python = python_of("openai")
    with live_server(InstantEngine) as client:
        run([python, str(SCRIPT), f"{client.base_url}/v1"], tmp_path)
