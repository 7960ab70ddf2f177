"""What the API's document says that a request's fields may be, for the models that are served.

Of several models it is what any of them takes, so that nobody who checks by the document is kept from another
model's sizes; what each one takes by itself is in GET /v1/models. Defaults are the default model's.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.api.cache_schema import TAU, cache_schema
from server.api.parts import ApiLimits
from server.profile import ModelProfile

MOST_SIDES = 64
"""So many are listed one by one."""


def fit_request(schema: dict[str, Any], profiles: Sequence[ModelProfile], limits: ApiLimits) -> None:
    """Put the models' bounds into the fields of a request, as far as it has them. The default model is first."""
    properties = schema["properties"]
    bounds = widest([bounds_of(profile, limits) for profile in profiles])
    bounds["model"] = {
        "type": "string",
        "enum": names_of(profiles),
        "description": f"absent: {profiles[0].name}; what each takes is in GET /v1/models",
    }
    if "image" in properties:
        fit_form(schema, profiles)
    else:
        bounds["cache"] = cache_schema(presets_of(profiles))
    for name, bound in bounds.items():
        if name in properties:
            properties[name] = {**properties[name], **bound}


def names_of(profiles: Sequence[ModelProfile]) -> list[str]:
    """All that a request can call them."""
    return list(dict.fromkeys(name for each in profiles for name in (each.name, *each.aliases)))


def presets_of(profiles: Sequence[ModelProfile]) -> list[str]:
    """The names of all their presets."""
    return list(dict.fromkeys(name for each in profiles for name in each.presets))


def bounds_of(profile: ModelProfile, limits: ApiLimits) -> dict[str, dict[str, Any]]:
    """One model's, by the names that the fields have in any shape of a request."""
    sides = range(profile.min_side, profile.max_side + 1, profile.side_multiple)
    side = f"({'|'.join(map(str, sides))})" if len(sides) <= MOST_SIDES else "[1-9][0-9]{1,4}"
    one_side = {
        "minimum": profile.min_side,
        "maximum": profile.max_side,
        "multipleOf": profile.side_multiple,
    }
    steps = {"maximum": profile.max_steps, "default": profile.default_steps}
    guidance = {"maximum": profile.max_guidance, "default": profile.default_guidance}
    return {
        "prompt": {"type": "string", "minLength": 1, "maxLength": limits.prompt_limit, "pattern": r"\S"},
        "size": {"type": "string", "pattern": f"^(auto|{side}x{side})$"},
        "n": {"maximum": min(profile.max_images, limits.max_queue)},
        "quality": {"type": "string", "enum": list(profile.quality)},
        "seed": {"maximum": 2**53 - 1 - 9},
        "user": {"maxLength": 512},
        "negative_prompt": {"maxLength": limits.prompt_limit},
        "true_cfg_scale": {"maximum": profile.max_guidance},
        "max_sequence_length": {"maximum": profile.text_length},
        "tau1": TAU,
        "tau2": TAU,
        **dict.fromkeys(("width", "height"), one_side),
        **dict.fromkeys(("num_inference_steps", "steps"), steps),
        **dict.fromkeys(("guidance_scale", "guidance"), guidance),
    }


def widest(bounds: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What any of them allows."""
    first, *_ = bounds
    return {
        name: {key: WIDEST.get(key, _first)([each[name][key] for each in bounds]) for key in first[name]}
        for name in first
    }


def fit_form(schema: dict[str, Any], profiles: Sequence[ModelProfile]) -> None:
    """An upload has an image, under one of two names; ``cache`` is a text in a form."""
    properties, most = schema["properties"], max(profile.max_input_images for profile in profiles)
    schema["anyOf"] = [{"required": [name]} for name in ("image", "image[]")]
    properties["image[]"] = {**properties["image[]"], "minItems": 1, "maxItems": most}
    presets = {"enum": ["off", "paper", *presets_of(profiles)]}
    as_json = {"pattern": r"^\{", "contentMediaType": "application/json"}
    properties["cache"] = {**properties["cache"], "anyOf": [presets, as_json]}


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _united(values: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(word for words in values for word in words))


def _either(patterns: Sequence[str]) -> str:
    return "|".join(dict.fromkeys(patterns))


WIDEST: dict[str, Callable[[Sequence[Any]], Any]] = {
    "minimum": min,
    "maximum": max,
    "multipleOf": lambda values: math.gcd(*values),
    "enum": _united,
    "pattern": _either,
}
"""Of JSON Schema's words; of any other the default model's stands."""
