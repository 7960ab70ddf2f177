"""What a model family has to offer to be run in two stages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class StepInputs:
    """One step of a batch of one image shape.

    ``latents`` (B, T, C) packed; ``prompt_embeds`` (B, S, E); ``pooled`` (B, P); ``timestep`` (B,) from 1 to 0;
    ``guidance`` (B,) or None where the model has no guidance embedding; ``img_ids`` (T, 3); ``txt_ids`` (S, 3).
    """

    latents: Tensor
    prompt_embeds: Tensor
    pooled: Tensor
    timestep: Tensor
    guidance: Tensor | None
    img_ids: Tensor
    txt_ids: Tensor


@dataclass(frozen=True, slots=True)
class Streams:
    """The hidden states of a batch: text (B, S, D) and image (B, T, D)."""

    txt: Tensor
    img: Tensor

    def rows(self, index: Tensor) -> "Streams":
        """Some of the samples, copied."""
        return Streams(self.txt[index], self.img[index])


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What every block is told: the time embedding (B, D) of each row, and the positions' rotary table of all."""

    temb: Tensor
    rotary: tuple[Tensor, Tensor]

    def rows(self, index: Tensor) -> "Conditioning":
        """The conditioning of some of the samples."""
        return Conditioning(self.temb[index], self.rotary)


Block = Callable[[Streams, Conditioning], Streams]
Signal = Callable[[Streams, Streams], Tensor]
"""Streams before and after the first block to the residual (B, N, D) that is watched."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of blocks of which the first is always computed. ``pool_size`` is the summary's length in tokens."""

    blocks: Sequence[Block]
    signal: Signal
    pool_size: int


class FluxModel(Protocol):
    """A transformer seen as embed -> structure -> detail -> head."""

    @property
    def structure(self) -> Stage:
        """The double-stream blocks."""
        ...

    @property
    def detail(self) -> Stage:
        """The single-stream blocks."""
        ...

    def embed(self, inputs: StepInputs) -> tuple[Streams, Conditioning]:
        """Everything before the first block."""
        ...

    def head(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """Everything after the last block: the velocity (B, T, C)."""
        ...

    def state_bytes(self, img_tokens: int, txt_tokens: int) -> int:
        """Bytes of a sample's full cache state."""
        ...
