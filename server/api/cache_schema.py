"""What the API's document says of a request's ``cache``: each form, with what its values may be."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.cache_methods import (
    CACHE_METHODS,
    HIGHEST,
    MOST_NUMBERS,
    NEEDED,
    Flag,
    Letters,
    Number,
    Numbers,
    OneOf,
    Parameter,
    Whole,
)
from server.cache_parts import A_STAGE, GUARDS, PART_KINDS, PARTS_NEED
from server.request import TWO_THRESHOLDS

TAU: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": HIGHEST}


def cache_schema(presets_known: Sequence[str]) -> dict[str, Any]:
    """A preset's name; an object of two thresholds; a named method; a method by parts."""
    presets = {"type": "string", "enum": ["off", "paper", *presets_known]}
    methods = [method_schema(name, parameters) for name, parameters in CACHE_METHODS.items()]
    return {
        "description": "A preset's name, a preset with overrides, the default method with what is given, a "
        "method of the field with its own parameters (docs/methods.md), or a method put together by parts.",
        "anyOf": [presets, two_thresholds(presets), {"anyOf": methods}, parts_schema()],
        "examples": ["balanced", {"tau1": 0.15, "tau2": 0.22}, {"method": "dicache", "threshold": 0.4}],
    }


def two_thresholds(presets: Mapping[str, Any]) -> dict[str, Any]:
    """The default method, or a preset that has values to override."""
    named = {**presets, "enum": [name for name in presets["enum"] if name != "off"]}
    return closed(
        {
            "preset": named,
            "tau1": {
                **TAU,
                "description": "threshold of structure, what is settled near noise; larger skips more",
            },
            "tau2": {
                **TAU,
                "description": "threshold of detail, what is settled near the image; larger skips more",
            },
            **{
                name: schema_of(CACHE_METHODS["paper"][name])
                for name in CACHE_METHODS["paper"]
                if "tau" not in name
            },
        }
    )


def method_schema(name: str, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """One of the named methods."""
    known = {key: schema_of(parameter) for key, parameter in parameters.items()}
    needed = ["method", *NEEDED.get(name, ())]
    title = f"{name}, with two thresholds" if name in TWO_THRESHOLDS else name
    return {**closed({"method": {"const": name}, **known}), "required": needed, "title": title}


def parts_schema() -> dict[str, Any]:
    """Each part by its name, or as an object of its kind and parameters; some one a stage where there are two."""
    roles = {role: role_schema(role, kinds) for role, kinds in PART_KINDS.items()}
    guards = closed({name: schema_of(parameter) for name, parameter in GUARDS.items()})
    return {
        **closed({**roles, "guards": guards}),
        "required": ["gate"],
        "title": "by parts",
        "examples": [
            {
                "signal": "probe-residual",
                "gate": {"kind": "below", "threshold": 0.2},
                "fill": {"kind": "guarded", "most": 2.5},
                "guards": {"last_full": True},
            }
        ],
    }


def role_schema(role: str, kinds: Mapping[str, Mapping[str, Parameter]]) -> dict[str, Any]:
    """The kinds of one part."""
    bare = [kind for kind in kinds if kind not in PARTS_NEED]
    objects = [
        {
            **closed({"kind": {"const": kind}, **{key: schema_of(value) for key, value in parameters.items()}}),
            "required": ["kind", *PARTS_NEED.get(kind, ())],
        }
        for kind, parameters in kinds.items()
    ]
    one: dict[str, Any] = {"anyOf": [*([{"enum": bare}] if bare else []), *objects]}
    if role not in A_STAGE:
        return one
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 2}]}


def closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {"type": "object", "additionalProperties": False, "properties": dict(properties)}


def schema_of(parameter: Parameter) -> dict[str, Any]:
    """JSON Schema of one parameter."""
    match parameter:
        case Number(low, high):
            return {"type": "number", "minimum": low, "maximum": high}
        case Whole(low, high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case Flag():
            return {"type": "boolean"}
        case Numbers(low, fewest):
            number = {"type": "number", "minimum": low, "maximum": max(HIGHEST, -low)}
            return {"type": "array", "items": number, "minItems": fewest, "maxItems": MOST_NUMBERS}
        case Letters():
            return {"type": "string", "pattern": f"^[01]{{1,{MOST_NUMBERS}}}$"}
        case OneOf(words):
            return {"type": "string", "enum": list(words)}
