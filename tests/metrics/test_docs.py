"""The pages for operators say what is so."""

import re

from server.bench.sizing import rows
from tests.metrics.promtool import ROOT, RULES
from tests.metrics.test_bounds import SOME, worst_case

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
METRICS = (ROOT / "docs" / "metrics.md").read_text()


def test_every_metric_is_explained() -> None:
    families = re.findall(r"# TYPE (\S+)", worst_case(SOME).text())
    assert [name for name in families if f"`{name}`" not in METRICS] == []


def test_every_alert_has_its_paragraph_where_its_runbook_link_points() -> None:
    links = re.findall(r"runbook: docs/operations\.md#(\S+)", (RULES / "alerts.yml").read_text())
    anchors = {heading.lower() for heading in re.findall(r"^### (\S+)$", OPERATIONS, re.MULTILINE)}
    assert set(links) == anchors


def test_the_table_of_sizes_is_what_the_command_prints() -> None:
    assert "\n".join(rows()) in OPERATIONS
