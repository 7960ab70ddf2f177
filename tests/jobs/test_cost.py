"""What requests cost: by the steps that are taken, the rows of each, and what the cache is expected to leave."""

from dataclasses import replace
from typing import Any

import pytest

from server.jobs.cost import UNMEASURED_SHARE, cost, expected_share
from server.measured_share import share_at
from server.request import CacheChoice, InputKeys
from tests.jobs.contract.base import job


def test_cost_counts_the_steps_that_an_image_leaves_and_the_rows_of_guidance() -> None:
    request = replace(job("a", images=1, side=1024).request, steps=10)
    assert cost(request, 1.0) == 10
    assert cost(replace(request, inputs=InputKeys(("key",), None, 0.5)), 1.0) == 5
    assert cost(replace(request, inputs=InputKeys(("key",))), 1.0) == 10
    assert cost(replace(request, negative_prompt="b", true_cfg=2.0), 1.0) == 20
    assert cost(replace(request, negative_prompt="b"), 1.0) == cost(replace(request, true_cfg=2.0), 1.0) == 10


def test_a_model_that_guides_by_two_rows_costs_two_where_guidance_is_above_1() -> None:
    request = replace(job("a", images=1, side=1024).request, steps=10, guidance=4.0)
    assert cost(request, 1.0, guides_by_two=True) == 20
    assert cost(replace(request, guidance=1.0), 1.0, guides_by_two=True) == 10
    assert cost(replace(request, negative_prompt="b", true_cfg=2.0), 1.0, guides_by_two=True) == 20, "never four"
    alone = replace(request, guidance=1.0, negative_prompt="b", true_cfg=2.0)
    assert cost(alone, 1.0, guides_by_two=True) == 20


def share(steps: int = 28, method: str = "default", **rule: Any) -> float:
    """What a request of these thresholds and bounds is expected to compute."""
    cache = CacheChoice("custom", **{"tau1": 0.15, "tau2": 0.22, **rule}, method=method)
    return expected_share(replace(job("a").request, steps=steps, cache=cache), None)


def test_thresholds_given_by_hand_cost_what_they_are_expected_to_leave() -> None:
    assert share() == share_at("default", 0.15, 0.22) < share(method="paper") == share_at("paper", 0.15, 0.22)
    assert share(tau1=0.02, tau2=0.03) > share() > share(tau1=0.25, tau2=0.35)


def test_who_computes_everything_by_thresholds_of_0_pays_as_with_the_cache_off() -> None:
    assert share(tau1=0.0, tau2=0.0) == share(method="paper", tau1=0.0, tau2=0.0) == 1


def test_steps_that_bounds_make_full_are_paid_in_full() -> None:
    rest = share()
    assert share(steps=10, warmup=3, last_full=True) == pytest.approx((4 + 6 * rest) / 10)
    assert share(steps=10, warmup=1000) == 1
    assert share(max_consecutive=1) == 0.5, "every other step at least is computed"
    assert share(max_consecutive=0) == 1
    assert share(max_consecutive=100) == rest


def test_a_preset_costs_what_was_measured_and_another_method_half() -> None:
    request = replace(job("a").request, cache=CacheChoice("fast", 0.2, 0.3))
    assert expected_share(request, 0.17) == 0.17
    other = CacheChoice("custom", None, None, method="dicache", parameters=(("threshold", 0.4),))
    assert expected_share(replace(request, cache=other), None) == UNMEASURED_SHARE
