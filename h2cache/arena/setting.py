"""A setting: a method with its parameters, and how it is called in the files; grids of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from h2cache.method import Method
from h2cache.methods import method

OFF = "off"


@dataclass(frozen=True)
class Setting:
    """A method with parameters; ``off`` has none. ``shown``: what is said instead of fitted parameters."""

    name: str
    parameters: tuple[tuple[str, Any], ...] = ()
    shown: tuple[tuple[str, Any], ...] | None = None

    @property
    def label(self) -> str:
        """``k=v`` joined by spaces, numbers as %g."""
        return " ".join(
            f"{key}={_shown(value)}" for key, value in (self.parameters if self.shown is None else self.shown)
        )

    def make(self) -> Method | None:
        """The method; None for ``off``."""
        return None if self.name == OFF else method(self.name, dict(self.parameters))


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def grid(name: str, key: str, values: Sequence[Any], **others: Any) -> tuple[Setting, ...]:
    """One setting for each value of one parameter, the others being the same."""
    return tuple(Setting(name, ((key, value), *others.items())) for value in values)


def pairs(name: str, values: Sequence[tuple[float, float]]) -> tuple[Setting, ...]:
    """One setting for each pair of thresholds."""
    return tuple(Setting(name, (("tau1", tau1), ("tau2", tau2))) for tau1, tau2 in values)
