"""The end of a process whose model is still loading, in a process of its own: the end is what is looked at."""

import subprocess
import sys

import pytest

from server.loading import run_and_leave

STOPPED_WHILE_LOADING = """
import asyncio, torch
from server.loading import in_daemon_thread, run_and_leave

def load():
    while True:
        torch.zeros(64).tanh()

async def serve():
    loading = asyncio.create_task(in_daemon_thread(load))
    await asyncio.sleep(0.3)
    loading.cancel()
    print("left")

run_and_leave(serve())
"""


def test_a_process_that_leaves_while_its_model_loads_ends_with_0_and_without_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_LOADING], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")


def test_what_breaks_a_run_is_raised() -> None:
    async def serve() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_and_leave(serve())
