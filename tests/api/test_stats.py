"""GET /v1/stats/thresholds, and what the metrics say of the same requests."""

import time
from pathlib import Path

import pytest

from server.access.caller import Caller
from server.access.key import ApiKey, digest
from server.access.key_file import write_keys
from server.engine.fake import InstantEngine
from tests.api.conftest import generate
from tests.live import live_server


def test_every_pair_that_was_asked_for_is_there_with_its_skips_and_seconds() -> None:
    with live_server(InstantEngine) as client:
        started = time.time()
        for cache in ("fast", "fast", "off", {"tau1": 0.123, "tau2": 0.234}, {"preset": "fast", "tau2": 0.5}):
            assert generate(client, cache=cache, num_inference_steps=4, n=2).status_code == 200
        stats = client.get("/v1/stats/thresholds").json()
    assert abs(stats["since"] - started) < 60
    assert (stats["other"]["count"], stats["other"]["seconds"]["p50"]) == (0, None)
    pairs = {(pair["preset"], pair["tau1"], pair["tau2"]): pair for pair in stats["pairs"]}
    assert set(pairs) == {
        ("fast", 0.2, 0.3),
        ("off", None, None),
        ("custom", 0.123, 0.234),
        ("custom", 0.2, 0.5),
    }
    fast = pairs["fast", 0.2, 0.3]
    assert stats["pairs"][0] == fast, "the most asked for is first"
    assert set(fast) == {
        *("tau1", "tau2", "preset", "count", "full", "detail_hits", "structure_hits", "skip_share", "seconds")
    }
    assert (fast["count"], fast["full"], fast["structure_hits"]) == (2, 8, 8)
    assert fast["skip_share"] == pytest.approx(1 - 17 / 30, abs=1e-4)
    assert 0 < fast["seconds"]["p50"] <= fast["seconds"]["p90"] <= fast["seconds"]["p99"]
    assert pairs["off", None, None]["skip_share"] == 0


def test_a_refused_request_is_in_no_figure() -> None:
    with live_server(InstantEngine) as client:  # of its own: others' jobs may end meanwhile
        assert generate(client, cache={"tau1": -1}).status_code == 400
        assert client.get("/v1/stats/thresholds").json()["pairs"] == []


def test_three_hundred_random_pairs_leave_the_scrape_bounded_and_their_figures_there() -> None:
    with live_server(InstantEngine) as client:
        for turn in range(300):
            cache = {"tau1": 0.001 * (turn + 1), "tau2": 0.5 / (turn + 1)}
            assert generate(client, cache=cache, num_inference_steps=2, size="64x64").status_code == 200
        lines = [line for line in client.get("/metrics").text.splitlines() if line[0] != "#"]
        assert len(client.get("/v1/stats/thresholds").json()["pairs"]) <= 256
    assert len(lines) < 4000
    for name in (
        "h2serve_steps_total",
        "h2serve_pair_request_seconds_count",
        "h2serve_pair_denoise_seconds_count",
    ):
        assert any(line.startswith(name) and 'tau1="0.2..0.4"' in line for line in lines)


def test_a_key_sees_its_tenant_s_jobs_and_an_admin_s_sees_all(tmp_path: Path) -> None:
    callers = {"key-a": Caller("1", "a"), "key-b": Caller("2", "b"), "key-c": Caller("3", "c", is_admin=True)}
    write_keys(tmp_path / "keys.json", [ApiKey(digest(key), caller, 0) for key, caller in callers.items()])
    with live_server(InstantEngine, keys=str(tmp_path / "keys.json")) as client:

        def seen(key: str) -> dict[str, int]:
            answer = client.get("/v1/stats/thresholds", headers={"x-key": key})
            return {pair["preset"]: pair["count"] for pair in answer.json()["pairs"]}

        for key, preset in (("key-a", "fast"), ("key-a", "off"), ("key-b", "fast")):
            body = {"prompt": "a star", "cache": preset, "num_inference_steps": 4, "size": "64x64"}
            assert client.post("/v1/images/generations", json=body, headers={"x-key": key}).status_code == 200
        assert seen("key-a") == {"fast": 1, "off": 1}
        assert seen("key-b") == {"fast": 1}
        assert seen("key-c") == {"fast": 2, "off": 1}
