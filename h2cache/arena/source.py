"""What images are denoised from: a model with what goes into it. The studio is one, the random model another."""

from typing import Protocol

from torch import Tensor

from h2cache.family import FluxModel


class Source(Protocol):
    """One size of image."""

    @property
    def model(self) -> FluxModel:
        """What is run."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of image tokens."""
        ...

    @property
    def guidance(self) -> float:
        """Of all images."""
        ...

    @property
    def takes_guidance(self) -> bool:
        """True where guidance is an input of the transformer."""
        ...

    def embed(self, prompt: str) -> tuple[Tensor, Tensor]:
        """The text's states (S, E) and its pooled vector (P,)."""
        ...

    def noise(self, seed: int) -> tuple[Tensor, Tensor]:
        """Latents (T, C) and the tokens' positions (T, 3)."""
        ...

    def sigmas(self, steps: int) -> list[float]:
        """``steps`` + 1 noise levels."""
        ...
