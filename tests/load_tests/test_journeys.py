"""The journeys under locust, as a process: importing locust would patch this one's sockets."""

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


STEPS = ("(thresholds)", "(hung up)", "(wrong)", "(no JSON)", "(stream)", "(stream, left)", "(cancel)", "/result")


def locust(host: str, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "locust", "-f", "load_tests/journeys/locustfile.py", "--headless"]
    return subprocess.Popen([*command, "--host", host, *words], stderr=subprocess.PIPE, text=True)


def test_every_journey_is_gone_without_a_failure(url: str) -> None:
    """Until its table, printed every two seconds, has all steps in it: how soon depends on the machine."""
    missing, said = set(STEPS), ""
    with locust(url, "-u", "14", "-r", "14", "-t", "90s") as process:
        assert process.stderr is not None
        for line in process.stderr:
            said += line
            missing -= {step for step in missing if step in line}
            if not missing:
                break
        process.terminate()
        said += process.stderr.read()
    assert not missing and process.returncode == 0, said


def test_a_stranger_s_server_is_not_visited() -> None:
    with locust("http://10.0.0.1", "-u", "1", "-t", "1s") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--i-own-this-server" in said
