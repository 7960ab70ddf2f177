"""A pipeline's call to a transformer, as the families' adapters need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from h2cache.block_call import BlockCall
from h2cache.errors import H2CacheError

OURS = ("h2cache", "scale")
"""Keys of ``joint_attention_kwargs`` that the attention is not told; ``scale`` is LoRA's."""


@dataclass(frozen=True, slots=True)
class Called:
    """The arguments by the names of the model's forward, and how blocks are to be called."""

    arguments: Mapping[str, Any]
    call: BlockCall

    @property
    def num_rows(self) -> int:
        """B."""
        return len(self.arguments["hidden_states"])

    def get(self, name: str) -> Any:
        """An argument, None where it was not given."""
        return self.arguments.get(name)

    def tensor(self, name: str) -> Tensor:
        """An argument that has to be a tensor. Raises H2CacheError where it is not."""
        value = self.get(name)
        if not isinstance(value, Tensor):
            raise H2CacheError(f"{name} is a {type(value).__name__}, allowed with h2cache is a tensor")
        return value

    def numbers(self, name: str) -> Tensor:
        """A number for each row (B,), which may have been given once for all."""
        return self.tensor(name).expand(self.num_rows)

    def ids(self, name: str) -> Tensor:
        """Positions (N, A); those with a batch dimension are the same for all rows."""
        ids = self.tensor(name)
        return ids[0] if ids.ndim == 3 else ids

    @property
    def attention_kwargs(self) -> dict[str, Any]:
        """What the blocks' attention is told."""
        said = self.get("joint_attention_kwargs") or {}
        return {key: value for key, value in said.items() if key not in OURS}
