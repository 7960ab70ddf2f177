"""Calls made up by schemathesis from the API's document; ``make fuzz`` makes 20,000 of them."""

import os

import pytest

from server.engine.fake import InstantEngine
from tests.api.fuzzing import GENERATIONS, fuzz
from tests.live import live_server

CALLS = int(os.environ.get("FUZZ_CALLS", "120"))


@pytest.mark.filterwarnings("ignore")
def test_every_answer_to_a_made_up_call_is_documented_and_no_failure_of_ours() -> None:
    with live_server(InstantEngine, request_log=False) as client:
        tally = fuzz(client, CALLS)
        assert client.get("/readyz").status_code == 200
    assert not tally.faults
    assert tally.calls >= CALLS / 2
    assert tally.share_of_2xx() >= 0.2
    assert tally.share_of_2xx(GENERATIONS) >= 0.2
