"""A server that is told to leave before it listens for that ends in order too."""

import signal
import subprocess
import sys

import pytest

NOWHERE = ("--redis", "redis://127.0.0.1:9")
AMID_THE_IMPORTS = "starlette"


@pytest.mark.parametrize(
    "words", [("serve", "--port", "0"), ("api", "--port", "0", *NOWHERE), ("worker", *NOWHERE)]
)
def test_a_server_that_is_told_to_leave_while_it_imports_ends_with_0(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "server", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        try:
            assert any(AMID_THE_IMPORTS in line for line in process.stderr)
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in rest
