"""What a method is without parameters, for FLUX.1: the numbers that its authors publish, written down again.

``default`` is not among them, which is ours.
"""

from inspect import signature
from typing import Any

import pytest

from h2cache import METHODS, method
from h2cache.methods import MASK_29, MASK_37

TEACACHE_POLYNOMIAL = (498.651651, -283.781631, 55.8554382, -3.82021401, 0.264230861)
PROCACHE_PATTERN = "01111101111101111101111101111101111011110111101111"
MAGCACHE_RATIOS = (
    *(1.0, 1.21094, 1.11719, 1.07812, 1.0625, 1.03906, 1.03125, 1.03906, 1.02344, 1.03125, 1.02344, 0.98047),
    *(1.01562, 1.00781, 1.0, 1.00781, 1.0, 1.00781, 1.0, 1.0, 0.99609, 0.99609, 0.98047, 0.98828, 0.96484),
    *(0.95703, 0.93359, 0.89062),
)
BUDCACHE_29 = "00001000111010010011011011110111011110111011010110"
BUDCACHE_37 = "00000101111011101111101111111011111111101111101110"

PUBLISHED: dict[str, tuple[str, dict[str, Any]]] = {
    "paper": ("Bluear7878/H2-Cache, demo; arXiv 2510.27171", {"tau1": 0.15, "tau2": 0.22, "warmup": 0}),
    "fbcache": ("chengzeyi/ParaAttention, README", {"threshold": 0.08}),
    "fbcache-taylor": ("chengzeyi/ParaAttention, README; vipshop/cache-dit", {"threshold": 0.08, "order": 1}),
    "teacache": (
        "ali-vilab/TeaCache, TeaCache4FLUX; arXiv 2411.19108",
        {"threshold": 0.6, "polynomial": TEACACHE_POLYNOMIAL, "warmup": 1, "last_full": True},
    ),
    "magcache": (
        "Zehong-Ma/MagCache, MagCache4FLUX (E024K5R01); arXiv 2506.09045",
        {"threshold": 0.24, "max_skips": 5, "warmup_share": 0.1, "ratios": MAGCACHE_RATIOS},
    ),
    "taylorseer": ("Shenyi-Z/TaylorSeer; arXiv 2503.06923", {"every": 6, "order": 1, "warmup": 3}),
    "hicache": (
        "fenglang918/HiCache; arXiv 2508.16984",
        {"every": 7, "order": 2, "scale": 0.5, "warmup": 3},
    ),
    "freqca": ("Tammytcl/FreqCa; arXiv 2510.08669", {"every": 6, "order": 2, "cutoff": 0.1, "warmup": 3}),
    "procache": ("macovaseas/ProCache; arXiv 2512.17298", {"pattern": PROCACHE_PATTERN}),
    "sencache": (
        "arXiv 2602.24208; the thresholds are a third party's for FLUX",
        {"threshold": 0.6, "start": 0.005, "max_skips": 3},
    ),
    "dicache": (
        "Bujiazi/DiCache; arXiv 2508.17356",
        {"threshold": 0.4, "depth": 1, "most": 1.5, "warmup_share": 0.2, "last_full": True},
    ),
    "seacache": ("jiwoogit/SeaCache; arXiv 2602.18993", {"threshold": 0.3, "power": 2.0}),
    "dbcache": ("vipshop/cache-dit", {"threshold": 0.08, "first": 8, "last": 0, "warmup": 8}),
    "mask": ("nanguoyu/Golden-Path-Hypothesis, BudCache", {"steps": BUDCACHE_29}),
}
"""Where each is from, and the numbers."""
WITHOUT = {"default", "ertacache-like"}
"""Ours, and one whose authors publish no schedule for FLUX.1."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_defaults_are_the_authors_values_for_flux(name: str) -> None:
    parameters = signature(METHODS[name]).parameters
    _, numbers = PUBLISHED[name]
    assert {key: parameters[key].default for key in numbers} == numbers


def test_every_method_of_others_is_in_the_table() -> None:
    assert set(PUBLISHED) | WITHOUT == set(METHODS)


def test_the_other_published_mask_goes_in_by_its_name_too() -> None:
    assert (MASK_29, MASK_37) == (BUDCACHE_29, BUDCACHE_37)
    assert method("mask", {}) == method("mask", {"steps": BUDCACHE_29})
