"""What a model family has to offer to be run in stages: the seam for FLUX.1's successors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class StepInputs:
    """One step of a batch of samples of one image size and one text length.

    ``latents`` (B, T, C) packed; ``prompt_embeds`` (B, S, E); ``pooled`` (B, P), which only FLUX.1 takes;
    ``timestep`` (B,) in 0..1, 1 being pure noise; ``guidance`` (B,), or None where the model has no guidance
    embedding; ``img_ids`` (T, A) and ``txt_ids`` (S, A) are the tokens' positions on A axes: 3 in FLUX.1, then 4.
    Each sample has its own timestep and guidance. ``grid`` is rows and columns of image tokens, which only methods
    that look at the image's shape need.

    ``further`` (B, T, C') are channels that go in behind the latents' (FLUX.1 Fill: the masked image, the mask).
    ``references`` (B, R, C) are images to go by (FLUX.1 Kontext, FLUX.2, FLUX.3), packed like latents but clean,
    at the positions ``reference_ids`` (R, A). ``target_timestep`` (B,) is where the step goes to, which only
    distilled FLUX.3 models ask for. ``sigmas`` are the timesteps as the host knows them, a number a row; without
    them a method that goes by noise levels has the host wait for them.
    """

    latents: Tensor
    prompt_embeds: Tensor
    pooled: Tensor | None
    timestep: Tensor
    guidance: Tensor | None
    img_ids: Tensor
    txt_ids: Tensor
    grid: tuple[int, int] | None = None
    further: Tensor | None = None
    references: Tensor | None = None
    reference_ids: Tensor | None = None
    target_timestep: Tensor | None = None
    sigmas: tuple[float, ...] | None = None

    @property
    def num_references(self) -> int:
        """R, the tokens of reference images."""
        return 0 if self.references is None else self.references.shape[1]

    @property
    def image_stream(self) -> Tensor:
        """Latents and what goes with them (B, T + R, C + C'): one stream, where references are embedded alike."""
        latents = self.latents if self.further is None else torch.cat([self.latents, self.further], 2)
        return latents if self.references is None else torch.cat([latents, self.references], 1)

    @property
    def image_stream_ids(self) -> Tensor:
        """The positions (T + R, A) of ``image_stream``."""
        return self.img_ids if self.reference_ids is None else torch.cat([self.img_ids, self.reference_ids])


@dataclass(frozen=True, slots=True)
class Streams:
    """The hidden states of a batch: text (B, S, D) and image (B, T + R, D), reference tokens last."""

    txt: Tensor
    img: Tensor

    def rows(self, places: Sequence[int]) -> "Streams":
        """Some of the samples; the streams themselves where that is all of them in order."""
        if list(places) == list(range(len(self.img))):
            return self
        return Streams(pick(self.txt, places), pick(self.img, places))


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What every block is told besides the streams.

    ``per_sample`` tensors have B rows (the time embedding; in families with shared modulation, its parameters),
    ``shared`` ones are the same for all samples (rotary tables of the positions). The last ``num_references``
    tokens of the image stream are those of reference images.
    """

    per_sample: tuple[Tensor, ...]
    shared: tuple[Tensor, ...]
    num_references: int = 0

    def rows(self, places: Sequence[int]) -> "Conditioning":
        """The conditioning of some of the samples."""
        if list(places) == list(range(len(self.per_sample[0]))):
            return self
        return replace(self, per_sample=tuple(pick(part, places) for part in self.per_sample))

    def without_references(self, streams: Streams) -> Streams:
        """The streams with the tokens of the image that is made, and no others."""
        if self.num_references == 0:
            return streams
        return Streams(streams.txt, streams.img[:, : -self.num_references])


def pick(batch: Tensor, places: Sequence[int]) -> Tensor:
    """Rows by host numbers, without an index on the device; a single row is not copied."""
    if len(places) == 1:
        return batch[places[0] : places[0] + 1]
    return torch.stack([batch[place] for place in places])


Block = Callable[[Streams, Conditioning], Streams]
"""One block on both streams; it gives new tensors or those that it was given, and changes none."""


class FluxModel(Protocol):
    """A transformer seen as embed -> blocks -> head. The first ``num_double`` blocks are the structure stage's."""

    @property
    def blocks(self) -> Sequence[Block]:
        """Double-stream blocks, then single-stream ones."""
        ...

    @property
    def num_double(self) -> int:
        """How many of the blocks are double-stream ones."""
        ...

    @property
    def costs(self) -> Sequence[float]:
        """Each block's FLOPs, in any unit."""
        ...

    @property
    def width(self) -> int:
        """D, the channels of both streams."""
        ...

    @property
    def channels(self) -> int:
        """C, the channels of latents and velocity."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The type of the streams."""
        ...

    def embed(self, inputs: StepInputs) -> tuple[Streams, Conditioning]:
        """Everything before the first block."""
        ...

    def modulated_input(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """The image stream (B, T, D), without references, as the first block's attention sees it."""
        ...

    def head(self, streams: Streams, conditioning: Conditioning) -> Tensor:
        """Everything after the last block, on streams without references: the velocity (B, T, C)."""
        ...
