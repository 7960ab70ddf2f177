"""A caching method that the request puts together by parts."""

import json
from collections.abc import Mapping
from typing import Any

from server.api.parameters import checked, refuse_other_lengths
from server.api.quoting import quoted
from server.cache_methods import Parameter
from server.cache_parts import A_STAGE, GUARDS, OF, PART_KINDS, PARTS_AS_LONG, PARTS_NEED, ROLES, misfits
from server.errors import RequestError
from server.request import CacheChoice


def parts_choice(cache: Mapping[str, Any], flat: Mapping[str, float]) -> CacheChoice:
    """The object with parts; ``flat`` are thresholds beside it, which only methods with two of them have."""
    for key in flat:
        raise RequestError(
            f"{key} is a threshold of default and paper, and the method is put together by parts", key
        )
    for key in cache:
        if key not in ROLES:
            path = f"cache.{key}"
            raise RequestError(f"{quoted(path)} is unknown, allowed are {', '.join(ROLES)}", path)
    if cache.get("gate") is None:
        raise RequestError("cache.gate is missing, and there is no default", "cache.gate")
    said = {"layout": "one-stage", "fill": "last"} | {key: cache[key] for key in cache if cache[key] is not None}
    has_two = said["layout"] == "two-stages" or said["layout"] == {"kind": "two-stages"}
    parts = {role: _role(said[role], role, has_two) for role in PART_KINDS if role in said}
    guards = _guards(said.get("guards", {}))
    for wrong in misfits(parts, guards):
        path = ".".join(filter(None, ("cache", wrong.role, wrong.parameter)))
        raise RequestError(f"{path} {wrong.reason}", path)
    return CacheChoice("custom", None, None, method="parts", parts=json.dumps({**parts, "guards": guards}))


def _role(said: Any, role: str, has_two: bool) -> Any:
    """One part, or a list of one a stage."""
    path = f"cache.{role}"
    if not isinstance(said, list):
        return _part(said, role, path)
    if not (has_two and role in A_STAGE and len(said) == 2):
        raise RequestError(f"{path} is a list of {len(said)}, allowed is one a stage where there are two", path)
    return [_part(each, role, f"{path}.{number}") for number, each in enumerate(said)]


def _part(said: Any, role: str, path: str) -> dict[str, Any]:
    """A part by its name, or an object of its kind and parameters."""
    kinds = PART_KINDS[role]
    kind = said.get("kind") if isinstance(said, dict) else said
    if not isinstance(kind, str) or kind not in kinds:
        raise RequestError(f"{path} is {quoted(kind)}, allowed are {', '.join(kinds)}", path)
    known = {**kinds[kind], "of": OF} if role == "fill" else kinds[kind]
    values = {key: value for key, value in said.items() if key != "kind"} if isinstance(said, dict) else {}
    parameters = _parameters(values, known, f"{role} {kind}", path)
    for key in PARTS_NEED.get(kind, ()):
        if key not in parameters:
            raise RequestError(f"{path}.{key} is missing, and {role} {kind} needs it", f"{path}.{key}")
    refuse_other_lengths(parameters, PARTS_AS_LONG.get(kind, ()), f"{path}.")
    return {"kind": kind, **parameters}


def _guards(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise RequestError("cache.guards is of the wrong type, allowed is an object", "cache.guards")
    return _parameters(said, GUARDS, "guards", "cache.guards")


def _parameters(values: Mapping[str, Any], known: Mapping[str, Parameter], what: str, path: str) -> dict[str, Any]:
    """The checked ones; null is absent."""
    for key in values:
        if key not in known:
            allowed = ", ".join(known) or "none"
            where = f"{path}.{key}"
            raise RequestError(f"{quoted(where)} is unknown, allowed for {what} are {allowed}", where)
    return {key: checked(values, key, known[key], f"{path}.") for key in values if values[key] is not None}
