"""A caching method named in the request, with parameters of its own."""

from collections.abc import Mapping
from typing import Any

from server.api.parameters import checked, refuse_other_lengths
from server.api.quoting import quoted
from server.cache_methods import AS_LONG, CACHE_METHODS, NEEDED
from server.errors import RequestError
from server.request import CacheChoice


def method_choice(cache: Mapping[str, Any], flat: Mapping[str, float]) -> CacheChoice:
    """The object with ``method``; ``flat`` are thresholds beside it, which not all have."""
    name = cache["method"]
    if not isinstance(name, str) or name not in CACHE_METHODS:
        allowed = ", ".join(CACHE_METHODS)
        raise RequestError(f"cache.method is {quoted(name)}, allowed are {allowed}", "cache.method")
    known = CACHE_METHODS[name]
    given = {key: value for key, value in cache.items() if key != "method" and value is not None}
    for key in flat:
        if key not in known or given.get(key, flat[key]) != flat[key]:
            raise RequestError(f"{key} is said beside cache, allowed for method {name} is within it", key)
    given |= flat
    for key in given:
        if key not in known:
            path = f"cache.{key}"
            raise RequestError(f"{quoted(path)} is unknown, allowed for {name} are {', '.join(known)}", path)
    for key in NEEDED.get(name, ()):
        if key not in given:
            raise RequestError(f"cache.{key} is missing, and {name} needs it", f"cache.{key}")
    parameters = tuple((key, checked(given, key, known[key], "cache.")) for key in given)
    refuse_other_lengths(dict(parameters), AS_LONG.get(name, ()), "cache.")
    return CacheChoice("custom", None, None, method=name, parameters=parameters)
