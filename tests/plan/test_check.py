"""The check of the planner: it measures a server and says what was missed."""

import asyncio

import pytest

from server.bench.plan_check import check, compare, print_compared
from server.engine.fake import InstantEngine
from tests.live import live_server

BODY = {"prompt": "a star", "num_inference_steps": 4, "size": "64x64"}


def test_a_number_that_is_off_by_too_much_is_printed_as_a_miss(capsys: pytest.CaptureFixture[str]) -> None:
    compared = list(compare(0.4, [0.0, 1.0], foreseen=[1.0, 1.0], seen=[1.0, 2.0]))
    assert [each.is_kept for each in compared] == [False, True, False]
    assert compared[2].miss == pytest.approx(-0.5)
    print_compared(compared)
    assert capsys.readouterr().out.count("MISS") == 2


def test_it_runs_through_against_a_live_server() -> None:
    with live_server(InstantEngine) as client:
        compared = asyncio.run(check(str(client.base_url), BODY, steps=4, requests=10))
    assert [(each.load, each.what) for each in compared[:3]] == [(0.4, "images/s"), (0.4, "p50 s"), (0.4, "p90 s")]
    assert len(compared) == 9
