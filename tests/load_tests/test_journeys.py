"""The journeys under locust, as a process: importing locust would patch this one's sockets."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "server.bench.instant_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def locust(host: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", "load_tests/journeys/locustfile.py", "--headless"]
    return subprocess.run(
        [*command, "--host", host, *words], capture_output=True, text=True, timeout=120, check=False
    )


def test_every_journey_is_gone_without_a_failure(url: str) -> None:
    done = locust(url, "-u", "14", "-r", "14", "-t", "12s", "--only-summary")
    assert done.returncode == 0, done.stderr
    for step in ("thresholds", "hung up", "wrong", "no JSON", "stream", "stream, left", "cancel"):
        assert f"({step})" in done.stderr
    assert "/v1/jobs/{id}/result" in done.stderr
    total = re.search(r"Aggregated\s+(\d+)", done.stderr)
    assert total is not None and int(total[1]) > 20


def test_a_stranger_s_server_is_not_visited() -> None:
    done = locust("http://10.0.0.1", "-u", "1", "-t", "1s")
    assert done.returncode == 2
    assert "--i-own-this-server" in done.stderr
