"""Rules, alerts and panels: they parse, and they ask for series that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.metrics.promtool import DASHBOARDS, ROOT, RULES, promtool
from tests.metrics.test_bounds import SOME, worst_case

ANY_NAME = re.compile(r"\b(?:\w+:)?h2serve_\w+(?::\w+)?\b")
QUEUE = re.compile(r"(?<!:)\bh2serve_queue_\w+")
OVER_APIS = re.compile(r"\bmax(?: by \(\w+\))? ?\(h2serve_queue_\w+\)")
BOUND = re.compile(r'\b(h2serve_\w+_bucket)\{[^}]*\ble="([^"]+)"')
RULE_FILES = ("recording.yml", "alerts.yml")


def recorded() -> set[str]:
    return set(re.findall(r"record: (\S+)", (RULES / "recording.yml").read_text()))


def exported() -> set[str]:
    """The names of every series that an embedded server, or an API with Redis, can export."""
    return {re.split(r"[{ ]", line)[0] for line in page().splitlines() if line[0] != "#"}


def page() -> str:
    sides = worst_case(SOME)
    sides.api.redis_is("queue", True)
    sides.worker.resumed("full")
    return sides.text()


def dashboards() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        yield path.name, json.loads(path.read_text())


def queries() -> Iterator[tuple[str, str]]:
    """Title and expression of every query of every panel, Grafana's own variable filled in."""
    for name, dashboard in dashboards():
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                yield f"{name}: {panel['title']}", target["expr"].replace("$__rate_interval", "1m")


@pytest.mark.parametrize("file", RULE_FILES)
def test_rules_parse(file: str) -> None:
    assert "SUCCESS" in promtool("check", "rules", file)


def test_the_scrape_configuration_is_valid(tmp_path: Path) -> None:
    text = (RULES / "prometheus.yml").read_text()
    (token,) = re.findall(r"credentials_file: (\S+)", text)
    (tmp_path / "token").write_text("x\n")
    for file in RULE_FILES:
        (tmp_path / file).write_text((RULES / file).read_text())
    (tmp_path / "prometheus.yml").write_text(text.replace(token, str(tmp_path / "token")))
    assert "SUCCESS" in promtool("check", "config", str(tmp_path / "prometheus.yml"))


@pytest.mark.parametrize("file", ["tests/recording_test.yml", "tests/alerts_test.yml"])
def test_rules_do_what_their_unit_tests_say(file: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", file)


def test_every_alert_has_a_unit_test_in_which_it_fires() -> None:
    alerts = set(re.findall(r"alert: (\S+)", (RULES / "alerts.yml").read_text()))
    cases = (RULES / "tests" / "alerts_test.yml").read_text()
    fires = re.findall(r"alertname: (\S+)\n\s+exp_alerts:\n", cases)
    assert alerts == set(fires)


def test_every_query_of_a_panel_parses(tmp_path: Path) -> None:
    rules = [{"record": f"panel:query_{i}", "expr": expr} for i, (_, expr) in enumerate(queries())]
    assert len(rules) > 20
    path = tmp_path / "queries.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert "SUCCESS" in promtool("check", "rules", str(path))


def test_rules_alerts_and_panels_ask_for_series_that_exist() -> None:
    known = exported() | recorded()
    asked = {name: text for text in map(expressions, RULE_FILES) for name in ANY_NAME.findall(text)}
    asked |= {name: title for title, expr in queries() for name in ANY_NAME.findall(expr)}
    assert {name: where for name, where in asked.items() if name not in known} == {}


def test_rules_alerts_and_panels_ask_for_bounds_that_the_histograms_have() -> None:
    texts = [*map(expressions, RULE_FILES), *(expr for _, expr in queries())]
    asked = {found for text in texts for found in BOUND.findall(text)}
    assert len(asked) >= 2
    assert asked <= set(BOUND.findall(page()))


def test_what_every_api_tells_of_the_queue_is_never_summed_over_them() -> None:
    texts = [expressions("recording.yml"), expressions("alerts.yml"), *(expr for _, expr in queries())]
    asked = sum(len(QUEUE.findall(text)) for text in texts)
    assert asked == sum(len(OVER_APIS.findall(text)) for text in texts) >= 2


def test_panels_have_ids_of_their_own_and_the_provisioned_source() -> None:
    source = (ROOT / "docker/grafana/provisioning/datasources/prometheus.yml").read_text()
    for _, dashboard in dashboards():
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
        uids = {
            target["datasource"]["uid"] for panel in dashboard["panels"] for target in panel.get("targets", ())
        }
        assert all(f"uid: {uid}" in source for uid in uids)


def expressions(file: str) -> str:
    """A rule file less its comments, names and annotations: only what is evaluated."""
    lines = (RULES / file).read_text().splitlines()
    skipped = re.compile(r"\s*(#|- record:|- alert:|- name:|summary:|runbook:|labels:)")
    return "\n".join(line for line in lines if not skipped.match(line))
