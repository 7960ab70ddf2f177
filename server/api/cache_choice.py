"""From the request's cache fields to one rule: pure, over the profile's presets."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from server.api.fields import boolean, integer, number, one_of
from server.api.method_choice import method_choice
from server.api.parts_choice import parts_choice
from server.api.quoting import quoted
from server.cache_parts import ROLES
from server.errors import RequestError
from server.profile import ModelProfile, Preset
from server.request import PAPER_PAIR, TWO_THRESHOLDS, CacheChoice

PAPER = CacheChoice("paper", *PAPER_PAIR, method="paper")
"""The published rule and thresholds (arXiv 2510.27171), without guards."""
DEFAULT = replace(PAPER, method="default")
"""Ours, with the same thresholds where none are given: what thresholds without a method's name mean."""
OFF = CacheChoice("off", tau1=None, tau2=None, method="off")
HIGHEST_TAU = 1e6
LONGEST = 10**6
KEYS = ("preset", "method", "tau1", "tau2", "warmup", "max_consecutive", "last_full")


def resolve_cache(body: Mapping[str, Any], profile: ModelProfile) -> CacheChoice:
    """``cache`` wins over ``quality``; flat taus and nested ones must not differ; nothing means the default."""
    cache, quality, flat = body.get("cache"), _quality(body, profile), _flat_taus(body)
    if cache is None and not flat:
        return named(quality or profile.default_preset, profile)
    if isinstance(cache, str):
        named(cache, profile)  # refuses a wrong name as ``cache``, which is where it was given
        cache = {"preset": cache}
    if cache is not None and not isinstance(cache, dict):
        raise RequestError("cache is of the wrong type, allowed is a preset's name or an object", "cache")
    if cache is not None and cache.get("method") is None and any(cache.get(role) is not None for role in ROLES):
        return parts_choice(cache, flat)
    if cache is not None and _is_method_s_own(cache):
        return method_choice(cache, flat)
    return _from_object(_merged(cache or {}, flat), profile)


def _is_method_s_own(cache: Mapping[str, Any]) -> bool:
    """True where a method is named that has more, or other, parameters than two thresholds and bounds."""
    method = cache.get("method")
    return method is not None and (method not in TWO_THRESHOLDS or not set(cache) <= set(KEYS))


def named(name: str, profile: ModelProfile, path: str = "cache") -> CacheChoice:
    """A preset by its name; ``path`` is where the name was given."""
    if name == "off":
        return OFF
    if name == "paper":
        return PAPER
    preset = profile.presets.get(name)
    if preset is None:
        allowed = ", ".join(("off", "paper", *profile.presets))
        raise RequestError(f"{path} is {quoted(name)}, allowed are {allowed}", path)
    return choice_of(name, preset)


def choice_of(name: str, preset: Preset) -> CacheChoice:
    """The rule of a profile's preset."""
    bounds = (preset.warmup, preset.max_consecutive, preset.last_full)
    return CacheChoice(name, preset.tau1, preset.tau2, *bounds, method=preset.method)


def _quality(body: Mapping[str, Any], profile: ModelProfile) -> str | None:
    """The preset of the OpenAI field."""
    quality = one_of(body, "quality", tuple(profile.quality))
    return None if quality is None else profile.quality[quality]


def _flat_taus(body: Mapping[str, Any]) -> dict[str, float]:
    taus = {key: number(body, key, 0, HIGHEST_TAU) for key in ("tau1", "tau2")}
    return {key: tau for key, tau in taus.items() if tau is not None}


def _merged(cache: Mapping[str, Any], flat: Mapping[str, float]) -> dict[str, Any]:
    for key in cache:
        if key not in KEYS:
            path = f"cache.{key}"
            raise RequestError(f"{quoted(path)} is unknown, allowed are {', '.join(KEYS)}", path)
    for key, tau in flat.items():
        nested = number(cache, key, 0, HIGHEST_TAU, "cache.")
        if nested is not None and nested != tau:
            raise RequestError(f"{key} is {tau:g} and cache.{key} is {nested:g}, allowed is one value", key)
    return {**cache, **flat}


def _from_object(cache: Mapping[str, Any], profile: ModelProfile) -> CacheChoice:
    """A preset with overrides, or a method of two thresholds with what is given."""
    preset = cache.get("preset")
    if preset is not None and not isinstance(preset, str):
        raise RequestError("cache.preset is of the wrong type, allowed is a preset's name", "cache.preset")
    method = cache.get("method")
    bare = replace(PAPER if method == PAPER.method else DEFAULT, preset="custom")
    base = bare if preset is None else named(preset, profile, "cache.preset")
    if method not in (None, base.method):
        raise RequestError(
            f"cache.method is {method}, allowed with preset {preset} is {base.method}", "cache.method"
        )
    given = {
        "tau1": number(cache, "tau1", 0, HIGHEST_TAU, "cache."),
        "tau2": number(cache, "tau2", 0, HIGHEST_TAU, "cache."),
        "warmup": integer(cache, "warmup", 0, LONGEST, "cache."),
        "max_consecutive": integer(cache, "max_consecutive", 0, LONGEST, "cache."),
        "last_full": boolean(cache, "last_full", "cache."),
    }
    changes = {key: value for key, value in given.items() if value is not None}
    return _overridden(base, changes)


def _overridden(base: CacheChoice, changes: Mapping[str, Any]) -> CacheChoice:
    """The base with some values replaced; ``off`` has none to replace."""
    if not changes:
        return base
    if base.is_off:
        raise RequestError("cache.preset is 'off' and has no values to override", "cache")
    name = base.preset if base.preset == "custom" else f"{base.preset}+"
    values = {key: getattr(base, key) for key in KEYS if key != "preset"}
    return CacheChoice(name, **{**values, **changes})
