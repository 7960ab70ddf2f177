"""The real Prometheus reads a live server, and every recorded rule has its value."""

from pathlib import Path

import httpx
import pytest

from server.engine.fake import BLOCKS_A_STEP, BLOCKS_OF_A_HIT, InstantEngine
from tests.live import live_server
from tests.metrics.prometheus import Prometheus, until, watching
from tests.metrics.test_dashboards import queries, recorded

SKIPPED = 0.5 * (1 - BLOCKS_OF_A_HIT / BLOCKS_A_STEP)
"""Every second step of the instant engine is a structure hit."""
CACHES = ("fast", "off", {"tau1": 0.17, "tau2": 0.3})


def send(client: httpx.Client) -> None:
    """One request of each kind."""
    for cache in CACHES:
        body = {"prompt": "a star", "cache": cache, "num_inference_steps": 4, "size": "64x64"}
        assert client.post("/v1/images/generations", json=body).status_code == 200


def have_values(prometheus: Prometheus, client: httpx.Client) -> bool:
    """While requests go on, ask whether each rule has a value by now."""
    send(client)
    return all(prometheus.values(f'{{__name__="{name}"}}') for name in recorded())


def test_prometheus_reads_a_live_server_and_every_recorded_rule_has_a_value(tmp_path: Path) -> None:
    with (
        live_server(InstantEngine) as client,
        watching(f"{client.base_url.host}:{client.base_url.port}", tmp_path) as prometheus,
    ):
        send(client)
        until(lambda: [target["health"] for target in prometheus.ask("targets")["activeTargets"]] == ["up"])
        until(lambda: have_values(prometheus, client))

        skipped = prometheus.values("pair:h2serve_blocks_skipped:ratio_rate5m")
        assert skipped == {
            (("tau1", "0.2"), ("tau2", "0.3")): pytest.approx(SKIPPED),
            (("tau1", "0.1..0.2"), ("tau2", "0.2..0.4")): pytest.approx(SKIPPED),
            (("tau1", "none"), ("tau2", "none")): 0,
        }
        assert set(prometheus.values("pair:h2serve_request_seconds:mean_rate5m")) == set(skipped)
        spent = prometheus.values("preset:h2serve_flops_spent:ratio_rate5m")
        assert spent[(("preset", "off"),)] == 1
        assert spent[(("preset", "fast"),)] == pytest.approx(1 - SKIPPED)

        rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"]: rule["health"] for rule in rules if rule["health"] != "ok"} == {}
        firing = {
            alert["labels"]["alertname"]
            for alert in prometheus.ask("alerts")["alerts"]
            if alert["state"] == "firing"
        }
        assert firing == set(), "a healthy server alerts nobody"
        answered = [title for title, expr in queries() if prometheus.values(expr)]
        assert len(answered) > 0.7 * len(list(queries())), "panels show something on a server that has no Redis"
