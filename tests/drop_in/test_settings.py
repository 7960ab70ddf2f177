"""What may be said under ``h2cache``, and the errors for all else."""

from inspect import signature
from typing import Any

import pytest
import torch
from diffusers import FluxTransformer2DModel

from h2cache import METHODS, H2Cache, H2CacheError, H2Stats, Outcome, method, paper
from h2cache.drop_in.settings import BARE_METHOD, read_settings
from tests.drop_in.pipes import ALL, MIXED, STEPS, Parts, latents, letters


def test_bare_thresholds_mean_the_bare_method() -> None:
    (row,) = read_settings({"tau1": 0.1, "tau2": 0.2}, 1)
    assert row.method == METHODS[BARE_METHOD](tau1=0.1, tau2=0.2)


def test_a_method_is_named_with_its_parameters_or_given_whole() -> None:
    fbcache = method("fbcache", {"threshold": 0.3})
    by_name, whole = read_settings([{"method": "fbcache", "threshold": 0.3}, {"method": fbcache}], 2)
    assert by_name.method == whole.method == fbcache


def test_one_dict_is_for_all_rows_and_a_list_has_one_for_each() -> None:
    mixed = paper(MIXED["tau1"], MIXED["tau2"])
    assert [row.method for row in read_settings(MIXED, 3)] == [mixed] * 3
    assert [row.method for row in read_settings([None, MIXED], 2)] == [None, mixed]
    assert read_settings(None, 1)[0].method is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"tau": 0.1}, r"'tau' is no key of h2cache .* allowed are tau1, tau2, .*, method, num_steps, stats"),
        ({"method": "fbcache", "tau1": 0.1}, r"'tau1' is no key .* allowed are threshold"),
        ({"method": "teacash"}, r"method is 'teacash', allowed are default, paper, "),
        ({"method": paper(), "tau1": 0.1}, r"'tau1' is no key .* allowed are method, num_steps, stats"),
        ({"method": "ertacache-like"}, r"ertacache-like needs pattern"),
        ({"tau1": -1}, r"tau1 is -1, allowed is a finite number from 0 up"),
        ({"tau1": "much"}, r"tau1 is 'much'"),
        ({"stats": {}}, r"stats is \{\}, allowed is an H2Stats"),
        ({"num_steps": 0}, r"num_steps is 0, allowed is a whole number from 1 up"),
        ({"method": "teacache"}, r"teacache looks at the number of steps: num_steps is missing"),
        ({"method": "mask", "steps": "01"}, r"mask looks at the number of steps"),
        ("fast", r"h2cache is 'fast', allowed is a dict"),
        ([MIXED], r"h2cache has 1 dicts, allowed is one for each of 2 rows"),
        ([MIXED, "fast"], r"h2cache has 'fast' for a row, allowed is a dict or None"),
    ],
)
def test_bad_settings_are_refused_by_name(said: Any, message: str) -> None:
    with pytest.raises(H2CacheError, match=message):
        read_settings(said, 2)


def test_a_bad_setting_stops_the_call_in_its_first_step(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    with pytest.raises(H2CacheError, match="'tau' is no key"):
        latents(parts.text_to_image(H2Cache(transformer)), {"tau": 0.1})


WITH_DEFAULTS = [
    name
    for name, make in METHODS.items()
    if all(parameter.default is not parameter.empty for parameter in signature(make).parameters.values())
]


@pytest.mark.parametrize("name", [*WITH_DEFAULTS, "mask"])
def test_every_method_runs_in_a_pipeline(name: str, parts: Parts, transformer: FluxTransformer2DModel) -> None:
    """The grid that some of them look at is read off the pipeline's position ids."""
    needed = {"mask": {"steps": "0101"}}.get(name, {})
    stats = H2Stats()
    said = {"method": name, "num_steps": STEPS, "stats": stats, **needed}
    images = latents(parts.text_to_image(H2Cache(transformer)), said)
    assert torch.isfinite(images).all()
    assert letters(stats.samples[0])[0] == "f"
    assert len(stats.samples[0].records) == STEPS


def test_more_steps_than_told_are_refused(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    with pytest.raises(H2CacheError, match="row 0 has taken 5 steps, allowed are 5"):
        latents(parts.text_to_image(H2Cache(transformer)), {"method": "teacache", "num_steps": 5})


def test_the_last_step_is_full_where_that_is_asked(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    stats = H2Stats()
    said = {**ALL, "last_full": True, "num_steps": STEPS, "stats": stats}
    latents(parts.text_to_image(H2Cache(transformer)), said)
    assert letters(stats.samples[0]) == "f" + "s" * (STEPS - 2) + "f"
    assert stats.count(Outcome.FULL) == 2
