"""Names, units, labels and help by Prometheus' rules, as its own linter has them."""

from tests.metrics.promtool import promtool
from tests.metrics.test_bounds import SOME, worst_case


def test_promtool_has_nothing_to_say_of_the_metrics() -> None:
    assert promtool("check", "metrics", text=worst_case(SOME).text()) == ""
