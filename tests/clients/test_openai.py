"""openai-python, unchanged and in a virtual environment of its own, is served as it expects."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from server.engine.fake import InstantEngine
from tests.api.conftest import generate
from tests.api.pictures import file_of, picture, with_hole
from tests.api.test_load import until as until_depth
from tests.clients.foreign import python_of, run
from tests.cluster.processes import until
from tests.live import live_server

HERE = Path(__file__).parent
NOBODY_REFUSED = 'h2serve_refusals_total{reason="queue_full"} 0.0'
FAILED = 'h2serve_requests_total{code="500",route="/v1/images/generations"} 1.0'


def test_openai_python_generates_edits_and_streams_in_step_and_asynchronously(tmp_path: Path) -> None:
    python = python_of("openai")
    (tmp_path / "image.png").write_bytes(file_of(picture()))
    (tmp_path / "mask.png").write_bytes(file_of(with_hole()))
    with live_server(InstantEngine) as client:
        run([python, str(HERE / "with_openai.py"), f"{client.base_url}/v1", str(tmp_path)], tmp_path)


def metrics(client: httpx.Client) -> str:
    return client.get("/metrics").text


def test_openai_python_comes_back_after_a_429_and_not_after_what_failed_for_good(tmp_path: Path) -> None:
    python, hold = python_of("openai"), threading.Event()
    engine = InstantEngine(max_batch=1, hold=hold, fail_on="broken")
    with live_server(lambda: engine, max_queue=1) as client, ThreadPoolExecutor(3) as others:
        try:
            for waiting in (0, 1):
                others.submit(generate, client)
                until_depth(client, waiting=waiting, running=1)
            said = others.submit(
                run, [python, str(HERE / "retrying_openai.py"), f"{client.base_url}/v1"], tmp_path
            )
            until(lambda: NOBODY_REFUSED not in metrics(client))
        finally:
            hold.set()
        assert said.result() in ("1 500", "2 500")
        assert FAILED in metrics(client), "it was not run again"
