"""Thresholds without a method's name mean one rule, wherever they stand."""

from server.api.cache_choice import PAPER, resolve_cache
from server.bench.requests import mixed_orders
from server.profile import Preset, load_profile
from server.request import CacheChoice

PROFILE = load_profile("flux-nano")


def test_thresholds_alone_mean_the_papers_rule_in_requests_presets_and_benchmarks() -> None:
    assert resolve_cache({"tau1": 0.1, "tau2": 0.1}, PROFILE).method == PAPER.method == "paper"
    assert CacheChoice("custom", 0.1, 0.1).method == "paper"
    assert Preset.model_validate({"tau1": 0.1, "tau2": 0.1}).method == "paper"
    assert {order.cache.method for order in mixed_orders(PROFILE, 8, seed=1)} == {"paper"}
