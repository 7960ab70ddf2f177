"""What a summary is: what of a signal is compared from step to step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from h2cache.errors import H2CacheError
from h2cache.family import pick


@dataclass(frozen=True, slots=True)
class View:
    """The step that is measured: ``sigma`` (B,), 1 being pure noise, ``latents`` (B, T, C).

    ``grid`` is rows and columns of image tokens.
    """

    sigma: Tensor
    grid: tuple[int, int] | None
    latents: Tensor

    def rows(self, places: Sequence[int]) -> "View":
        """Of some of the samples."""
        return View(pick(self.sigma, places), self.grid, pick(self.latents, places))


class Summary(Protocol):
    """Two of them are compared."""

    @property
    def needs_grid(self) -> bool:
        """True where tokens have to be the image's, and lie in it as ``View.grid`` says."""
        ...

    def __call__(self, signal: Tensor, view: View) -> Tensor:
        """Signal (B, N, C) -> float32 (B, n, c)."""
        ...

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """(n, c) of a signal (N, C), to tell memory before it is taken."""
        ...


def grid_of(signal: Tensor, view: View) -> tuple[int, int]:
    """Rows and columns of image tokens. Raises H2CacheError where the caller has not said them."""
    return checked_grid(view.grid, signal.shape[1])


def checked_grid(grid: tuple[int, int] | None, tokens: int) -> tuple[int, int]:
    """A grid that has so many tokens. Raises H2CacheError for any other, and where there is none."""
    if grid is None or grid[0] * grid[1] != tokens:
        raise H2CacheError(f"grid is {grid}, allowed is rows and columns of {tokens} image tokens")
    return grid


def difference(after: Tensor, before: Tensor) -> Tensor:
    """after - before in float32 or wider: half precision would round the residual once more."""
    return after.to(torch.promote_types(after.dtype, torch.float32)) - before


def mean_abs(summary: Tensor) -> Tensor:
    """(..., n, c) -> (...): the mean size of a summary's entries."""
    return summary.abs().mean((-2, -1))
