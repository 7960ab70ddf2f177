"""Calls made up by schemathesis from the API's document, in both modes; ``make fuzz`` makes 20,000 in each."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from server.engine.fake import InstantEngine
from tests.api.fuzzing import GENERATIONS, fuzz
from tests.live import live_server
from tests.live_cluster import live_cluster

CALLS = int(os.environ.get("FUZZ_CALLS", "80"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("start", [live_server, live_cluster])
def test_every_answer_to_a_made_up_call_is_documented_and_no_failure_of_ours(
    start: Callable[..., AbstractContextManager[httpx.Client]],
) -> None:
    settings: dict[str, Any] = {"request_log": False}
    with start(InstantEngine, **settings) as client:
        tally = fuzz(client, CALLS)
        assert client.get("/readyz").status_code == 200
    sys.stdout.write(tally.table())  # which make fuzz shows
    assert not tally.faults
    assert tally.calls >= CALLS / 2
    assert tally.share_of_2xx() >= 0.2
    assert tally.share_of_2xx(GENERATIONS) >= 0.2
