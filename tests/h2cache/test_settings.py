"""What a sample may ask for."""

import re
from typing import Any

import pytest

from h2cache import H2CacheError, paper
from h2cache.gates.below import Below
from h2cache.guards import Guards


def test_the_paper_preset_is_the_published_rule_and_nothing_more() -> None:
    assert paper() == paper(0.15, 0.22, warmup=0, last_full=False, max_consecutive=None)
    assert paper().guards == Guards()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"tau1": -0.1}, "tau1 is -0.1"),
        ({"tau2": float("nan")}, "tau2 is nan"),
        ({"tau1": float("inf")}, "tau1 is inf"),
        ({"tau1": 10**400}, "tau1 is 1000"),
        ({"tau2": "0.1"}, "tau2 is '0.1'"),
        ({"tau2": True}, "tau2 is True"),
        ({"warmup": -1}, "warmup is -1"),
        ({"warmup": 1.5}, "warmup is 1.5"),
        ({"last_full": 1}, "last_full is 1"),
        ({"max_consecutive": -2}, "max_consecutive is -2"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_value_and_what_is_allowed(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(H2CacheError, match=f"{re.escape(named)}.*, allowed is ") as caught:
        paper(**({"tau1": 0.1, "tau2": 0.1} | wrong))
    assert isinstance(caught.value, ValueError)


def test_whole_numbers_are_thresholds_too() -> None:
    assert paper(1, 0).stages[0].gate == Below(1)
