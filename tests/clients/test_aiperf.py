"""aiperf, unchanged and in a virtual environment of its own, judges our server as an image_generation endpoint."""

import csv
import os
from pathlib import Path

from load_tests.aiperf.__main__ import main
from server.engine.fake import InstantEngine
from tests.clients.foreign import ROOT, there_or_skip
from tests.live import live_server

AIPERF = Path(os.environ.get("AIPERF", ROOT / ".venv-aiperf" / "bin" / "aiperf"))
TOKENIZER = ROOT / "nano" / "flux-nano" / "tokenizer_2"
REQUESTS = 8


def test_aiperf_has_all_of_its_requests_answered(tmp_path: Path) -> None:
    aiperf = there_or_skip(str(AIPERF) if AIPERF.exists() else None, f"{AIPERF} is missing: make aiperf")
    words = ["--aiperf", aiperf, "--tokenizer", str(TOKENIZER), "--requests", str(REQUESTS), "--rate", "8"]
    with live_server(InstantEngine) as client:
        main(["--url", str(client.base_url).rstrip("/"), *words, "--out", str(tmp_path)])
        counted = client.get("/metrics").text
    assert f'h2serve_requests_total{{code="200",route="/v1/images/generations"}} {REQUESTS}.0' in counted
    rows = csv.reader((tmp_path / "profile_export_aiperf.csv").read_text(encoding="utf-8").splitlines())
    told = [row[1] for row in rows if row and row[0].startswith("Request Count")]
    assert list(map(float, told)) == [REQUESTS]
