"""What a pipeline's call brings for the blocks besides the streams, for the rows that are under way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from h2cache.family import Conditioning


@dataclass(frozen=True, slots=True)
class Place:
    """Stands for an extra: its place in ``Conditioning.per_sample``, counted from the end as -1, -2, ..."""

    number: int

    def of(self, conditioning: Conditioning) -> Tensor:
        """The rows that the conditioning has."""
        return conditioning.per_sample[self.number]


@dataclass(frozen=True, slots=True)
class Extras:
    """Takes tensors with a row a sample out of a call's arguments, since rows leave the batch.

    What has another first dimension than the batch is the same for all samples, and stays.
    """

    num_rows: int
    found: list[Tensor] = field(default_factory=list)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """As they have to lie at the end of ``Conditioning.per_sample``."""
        return tuple(reversed(self.found))

    def taken(self, value: Any) -> Any:
        """The value with places for such tensors, wherever they are in dicts and lists."""
        if isinstance(value, Tensor) and value.ndim > 0 and len(value) == self.num_rows:
            self.found.append(value)
            return Place(-len(self.found))
        return _mapped(value, self.taken)


def put_back(value: Any, conditioning: Conditioning) -> Any:
    """What ``taken`` gave, with the rows that the conditioning has."""
    if isinstance(value, Place):
        return value.of(conditioning)
    return _mapped(value, lambda each: put_back(each, conditioning))


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same dict, list or tuple with its values changed; anything else as it is."""
    if isinstance(value, dict):
        return {key: change(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([change(each) for each in value])
    return value
