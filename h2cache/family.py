"""What a model family has to offer to be run in two stages: the seam for FLUX.1's successors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class StepInputs:
    """One step of a batch of samples of one image size and one text length.

    ``latents`` (B, T, C) packed; ``prompt_embeds`` (B, S, E); ``pooled`` (B, P); ``timestep`` (B,) in 0..1, 1
    being pure noise; ``guidance`` (B,), or None where the model has no guidance embedding; ``img_ids`` (T, 3)
    and ``txt_ids`` (S, 3) are the tokens' positions. Each sample has its own timestep and guidance.
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
        """Some of the samples, copied; ``index`` (R,)."""
        return Streams(self.txt.index_select(0, index), self.img.index_select(0, index))


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What every block is told besides the streams.

    ``per_sample`` tensors have B rows (the time embedding; in families with shared modulation, its parameters),
    ``shared`` ones are the same for all samples (rotary tables of the positions).
    """

    per_sample: tuple[Tensor, ...]
    shared: tuple[Tensor, ...]

    def rows(self, index: Tensor) -> "Conditioning":
        """The conditioning of some of the samples; ``index`` (R,)."""
        return Conditioning(tuple(part.index_select(0, index) for part in self.per_sample), self.shared)


Block = Callable[[Streams, Conditioning], Streams]
"""One block on both streams. It may be compiled or quantised; it gives new tensors or those that it was given."""

Signal = Callable[[Streams, Streams], Tensor]
"""Streams before and after the first block -> the residual (B, N, D) that is watched, in float32 or wider."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of blocks of which the first is always computed.

    ``signal`` is the residual that is watched, ``pool_size`` how many tokens its summary has at least (the
    window's side is N // pool_size), ``block_cost`` the FLOPs of one block relative to the other stage's.
    """

    blocks: Sequence[Block]
    signal: Signal
    pool_size: int
    block_cost: float = 1.0

    def num_run(self, is_hit: bool) -> int:
        """Blocks that a sample runs."""
        return 1 if is_hit else len(self.blocks)


class FluxModel(Protocol):
    """A transformer seen as embed -> structure -> detail -> head."""

    @property
    def structure(self) -> Stage:
        """The double-stream blocks, gated by tau1."""
        ...

    @property
    def detail(self) -> Stage:
        """The single-stream blocks, gated by tau2."""
        ...

    @property
    def width(self) -> int:
        """D, the channels of both streams."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The type of the streams."""
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
