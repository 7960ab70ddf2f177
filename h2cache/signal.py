"""What is measured in a step, to tell how much a sample has moved."""

from dataclasses import dataclass

import torch
from torch import Tensor

from h2cache.checks import check_flag
from h2cache.family import Conditioning, FluxModel, Streams
from h2cache.summary import View, difference


@dataclass(frozen=True, slots=True)
class ProbeResidual:
    """What the probe's blocks added to the image stream, and with ``text`` to both (H2-Cache's detail stage).

    Source: ParaAttention's first-block cache; H2-Cache, arXiv 2510.27171.
    """

    text: bool = False
    needs_probe = True

    def __post_init__(self) -> None:
        check_flag("text", self.text)

    @property
    def has_text(self) -> bool:
        """True where text tokens are among those that are measured."""
        return self.text

    def channels(self, model: FluxModel) -> int:
        """Of the signal."""
        return model.width

    def __call__(
        self, model: FluxModel, before: Streams, after: Streams, conditioning: Conditioning, view: View
    ) -> Tensor:
        """(B, N, D) in float32 or wider; text tokens come first."""
        image = difference(after.img, before.img)
        return torch.cat([difference(after.txt, before.txt), image], 1) if self.text else image


@dataclass(frozen=True, slots=True)
class ProbeState:
    """The image stream after the probe's blocks. Source: DiCache, arXiv 2508.17356."""

    needs_probe = True
    has_text = False

    def channels(self, model: FluxModel) -> int:
        """Of the signal."""
        return model.width

    def __call__(
        self, model: FluxModel, before: Streams, after: Streams, conditioning: Conditioning, view: View
    ) -> Tensor:
        """(B, T, D)."""
        return after.img


@dataclass(frozen=True, slots=True)
class ModulatedInput:
    """The image stream as the first block sees it after its modulated norm. Source: TeaCache, arXiv 2411.19108."""

    needs_probe = False
    has_text = False

    def channels(self, model: FluxModel) -> int:
        """Of the signal."""
        return model.width

    def __call__(
        self, model: FluxModel, before: Streams, after: Streams, conditioning: Conditioning, view: View
    ) -> Tensor:
        """(B, T, D)."""
        return model.modulated_input(before, conditioning)


@dataclass(frozen=True, slots=True)
class Latents:
    """The model's input itself. Source: SenCache, arXiv 2602.24208."""

    needs_probe = False
    has_text = False

    def channels(self, model: FluxModel) -> int:
        """Of the signal."""
        return model.channels

    def __call__(
        self, model: FluxModel, before: Streams, after: Streams, conditioning: Conditioning, view: View
    ) -> Tensor:
        """(B, T, C)."""
        return view.latents


Signal = ProbeResidual | ProbeState | ModulatedInput | Latents
