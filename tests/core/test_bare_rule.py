"""Thresholds without a method's name mean one rule, wherever they stand."""

from h2cache.drop_in.settings import BARE_METHOD
from server.api.cache_choice import DEFAULT, PAPER, resolve_cache
from server.bench.requests import mixed_orders
from server.profile import Preset, load_profile
from server.request import CacheChoice

PROFILE = load_profile("flux-nano")


def test_thresholds_alone_mean_the_default_in_requests_presets_and_the_drop_in() -> None:
    assert resolve_cache({"tau1": 0.1, "tau2": 0.1}, PROFILE).method == DEFAULT.method == "default"
    assert resolve_cache({"cache": {"tau1": 0.1}}, PROFILE).method == "default"
    assert CacheChoice("custom", 0.1, 0.1).method == "default"
    assert Preset.model_validate({"tau1": 0.1, "tau2": 0.1}).method == "default"
    assert BARE_METHOD == "default"


def test_the_paper_stays_a_name() -> None:
    assert resolve_cache({"cache": "paper"}, PROFILE) == PAPER
    assert resolve_cache({"cache": {"method": "paper", "tau1": 0.1}}, PROFILE).method == "paper"
    assert PAPER.method == "paper"


def test_benchmarks_name_the_papers_rule_whose_two_stages_they_are_about() -> None:
    assert {order.cache.method for order in mixed_orders(PROFILE, 8, seed=1)} == {"paper"}
