"""What a call says under ``h2cache``: a method for each row of the batch."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from h2cache.checks import check_count
from h2cache.drop_in.stats import H2Stats
from h2cache.errors import H2CacheError
from h2cache.method import Method
from h2cache.methods import METHODS, method, parameters_of

BARE_METHOD = "default"
"""What ``{"tau1": ..., "tau2": ...}`` without a method's name means."""
OWN_KEYS = ("method", "num_steps", "stats")
UNTOLD = sys.maxsize
"""The number of steps where no part of the method asks for it."""


@dataclass(frozen=True, slots=True)
class RowSettings:
    """One row's. ``method`` None computes everything; ``stats`` are the caller's, to be filled."""

    method: Method | None
    num_steps: int = UNTOLD
    stats: H2Stats | None = field(default=None)


def read_settings(said: object, num_rows: int) -> tuple[RowSettings, ...]:
    """A dict for all rows, or a list of one a row; None is no cache. The caller's dicts are not changed.

    A dict has a method's parameters and besides ``method``, its name or a Method; ``num_steps``, how often the
    pipeline will call the transformer, which methods with an eye on the end need; ``stats``, an H2Stats.
    Raises H2CacheError, which names what is wrong and what is allowed.
    """
    if said is None or isinstance(said, Mapping):
        return (_row(said),) * num_rows
    if not isinstance(said, Sequence) or isinstance(said, str):
        raise H2CacheError(f"h2cache is {_short(said)}, allowed is a dict, or a list of one dict a row")
    if len(said) != num_rows:
        raise H2CacheError(f"h2cache has {len(said)} dicts, allowed is one for each of {num_rows} rows")
    return tuple(_row(each) for each in said)


def _row(said: object) -> RowSettings:
    if said is None:
        return RowSettings(None)
    if not isinstance(said, Mapping):
        raise H2CacheError(f"h2cache has {_short(said)} for a row, allowed is a dict or None")
    stats = said.get("stats")
    if stats is not None and not isinstance(stats, H2Stats):
        raise H2CacheError(f"stats is {_short(stats)}, allowed is an H2Stats")
    wanted = _method(said)
    num_steps = said.get("num_steps")
    if num_steps is None and wanted.counts_steps:
        raise H2CacheError(
            f"{wanted.name} looks at the number of steps: num_steps is missing, allowed is how often the pipeline "
            "calls the transformer"
        )
    if num_steps is None:
        return RowSettings(wanted, stats=stats)
    check_count("num_steps", num_steps, low=1)
    return RowSettings(wanted, num_steps, stats)


def _method(said: Mapping[str, object]) -> Method:
    name = said.get("method", BARE_METHOD)
    parameters = {key: value for key, value in said.items() if key not in OWN_KEYS}
    if isinstance(name, Method):
        allowed: tuple[str, ...] = ()
    elif isinstance(name, str) and name in METHODS:
        allowed = parameters_of(name)
    else:
        raise H2CacheError(f"method is {_short(name)}, allowed are {', '.join(METHODS)}, or a Method")
    for key in parameters:
        if key not in allowed:
            keys = ", ".join((*allowed, *OWN_KEYS))
            raise H2CacheError(f"{_short(key)} is no key of h2cache with this method, allowed are {keys}")
    return name if isinstance(name, Method) else method(name, parameters)


def _short(value: object) -> str:
    return repr(value)[:64]
