"""What the adapters of all Flux families share: a diffusers transformer and its blocks in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from h2cache.errors import H2CacheError
from h2cache.family import Block


@dataclass(frozen=True)
class Adapter:
    """The model as embed -> blocks -> head. Holds no state of a run: threads may share it.

    ``extras`` are further tensors with a row a sample, last in ``Conditioning.per_sample``: what a pipeline's call
    brings for the blocks besides.
    """

    transformer: Any
    blocks: Sequence[Block]
    num_double: int
    extras: tuple[Tensor, ...] = ()

    def __post_init__(self) -> None:
        num_single = len(self.blocks) - self.num_double
        if not (self.num_double and num_single):
            raise H2CacheError(
                f"{self.num_double} double and {num_single} single blocks, allowed is at least 1 of each"
            )

    @property
    def costs(self) -> Sequence[float]:
        """A block of either kind has as many weights a token and the same attention."""
        return [1.0] * len(self.blocks)

    @property
    def width(self) -> int:
        """D, the channels of both streams."""
        return int(self.transformer.inner_dim)

    @property
    def channels(self) -> int:
        """C, the channels of latents and velocity."""
        return int(self.transformer.proj_out.out_features)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights and streams."""
        dtype: torch.dtype = self.transformer.dtype
        return dtype
