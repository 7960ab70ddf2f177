"""A form's fields as the JSON object that they stand for, so that one check serves both."""

import re
from collections.abc import Sequence
from typing import Any

from server.api.body import parse_object
from server.api.quoting import printable, quoted
from server.cache_methods import CACHE_METHODS, Letters
from server.errors import RequestError

NUMBERS = frozenset(
    {
        "n",
        "seed",
        "num_inference_steps",
        "guidance_scale",
        "true_cfg_scale",
        "strength",
        "max_sequence_length",
        "output_compression",
        "partial_images",
        "priority",
        "deadline_ms",
        "tau1",
        "tau2",
    }
)
FLAGS = frozenset({"stream"})
LETTERS = frozenset(
    key for known in CACHE_METHODS.values() for key, what in known.items() if isinstance(what, Letters)
)
"""Within ``cache``, the texts that look like numbers."""
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_BROKEN = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_NESTED = re.compile(r"cache((?:\[[A-Za-z0-9_-]{0,64}\]){1,4})")


def body_of(fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Every field once; ``cache`` as a name, a JSON object, or in fields ``cache[tau1]`` as openai-python does.

    What does not look like the field's type stays a text, which the check of the field then refuses by its name.
    """
    body: dict[str, Any] = {}
    nested: list[tuple[list[str], str]] = []
    for name, value in fields:
        inner = _NESTED.fullmatch(name)
        if inner:
            nested.append((inner.group(1)[1:-1].split("]["), value))
        elif name in body:
            raise RequestError(f"field {quoted(name)} is given twice, allowed is once", printable(name))
        else:
            body[name] = _cache(value) if name == "cache" else _typed(name, value)
    if nested:
        if "cache" in body:
            raise RequestError("cache is given whole and in parts, allowed is one of them", "cache")
        body["cache"] = {}
    for path, value in nested:
        _put(body["cache"], path, value)
    return body


def _typed(name: str, value: str) -> object:
    if name in NUMBERS:
        return _number(value)
    return _flag(value) if name in FLAGS else value


def _cache(value: str) -> object:
    """A preset's name, or a JSON object."""
    if not value.lstrip().startswith("{"):
        return value
    try:
        return parse_object(value.encode("utf-8", "surrogatepass"))
    except RequestError as error:
        path = "cache" if error.param is None else f"cache.{error.param}"
        raise RequestError(error.message.replace("the body", "cache", 1), path) from error


def _put(cache: dict[str, Any], path: list[str], value: str) -> None:
    """``[gate][kind]`` into its place, ``[ratios][]`` onto its list."""
    shown = printable(".".join(["cache", *filter(None, path)]))
    is_list = path[-1] == ""
    *above, last = path[:-1] if is_list and len(path) > 1 else path
    place: Any = cache
    for key in above:
        place = place.setdefault(key, {}) if key and isinstance(place, dict) else None
    if not last or not isinstance(place, dict):
        raise RequestError(
            f"{shown} has no place in cache; as one JSON text in the field cache it may have", shown
        )
    known = place.get(last)
    if is_list and (known is None or isinstance(known, list)):
        place[last] = [*(known or []), _guessed(last, value)]
    elif known is None:
        place[last] = _guessed(last, value)
    else:
        raise RequestError(f"{shown} is given twice, allowed is once", shown)


def _guessed(key: str, value: str) -> object:
    if key in LETTERS:
        return value
    as_number = _number(value)
    return _flag(value) if as_number is value else as_number


def _number(value: str) -> object:
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _BROKEN.fullmatch(value) else value


def _flag(value: str) -> object:
    return {"true": True, "false": False}.get(value, value)
