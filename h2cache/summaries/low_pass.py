"""Low-pass filters over the image's grid of tokens: a signal's noise is not to count as movement."""

from dataclasses import dataclass

import torch
from torch import Tensor

from h2cache.checks import check_number
from h2cache.errors import H2CacheError
from h2cache.summary import View, grid_of

EPSILON = 1e-16
CLOSEST = 1e-6
"""Sigma is kept so far from 0 and 1."""


@dataclass(frozen=True, slots=True)
class Wiener:
    """SeaCache's filter (arXiv 2602.18993): lets pass what a clean image of spectrum 1 / f^``power`` would have.

    Along each axis a S / (a^2 S + b^2) with a = 1 - sigma, b = sigma, S = 1 / f^power; their product is scaled to
    mean 1, so that distances of different steps compare. Power 2 is the authors' for images.
    """

    power: float = 2.0
    needs_grid = True

    def __post_init__(self) -> None:
        check_number("power", self.power)

    def __call__(self, signal: Tensor, view: View) -> Tensor:
        """(B, T, C) -> float32 (B, T, C)."""
        rows, columns = grid_of(signal, view)
        sigma = view.sigma.float().clamp(CLOSEST, 1 - CLOSEST)[:, None]
        along_rows = self._gain(rows, sigma)
        along_columns = self._gain(columns, sigma)
        gain = along_rows[:, :, None] * along_columns[:, None, :]
        return filtered(signal, rows, columns, gain / gain.mean((1, 2), keepdim=True))

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """(T, C)."""
        return tokens, channels

    def _gain(self, length: int, sigma: Tensor) -> Tensor:
        """(B, 1) -> (B, length)."""
        frequency = torch.fft.fftfreq(length, device=sigma.device, dtype=torch.float32).abs()
        clean = 1 / (frequency**self.power + EPSILON)
        gain: Tensor = (1 - sigma) * clean / ((1 - sigma) ** 2 * clean + sigma**2 + EPSILON)
        return gain


@dataclass(frozen=True, slots=True)
class Disc:
    """A fixed disc of frequencies, its radius a share of the smaller side (PreciseCache, 2603.00976: 1/5)."""

    radius: float = 0.2
    needs_grid = True

    def __post_init__(self) -> None:
        check_number("radius", self.radius)
        if self.radius == 0:
            raise H2CacheError("radius is 0, allowed is a share above 0")

    def __call__(self, signal: Tensor, view: View) -> Tensor:
        """(B, T, C) -> float32 (B, T, C)."""
        rows, columns = grid_of(signal, view)
        device, reach = signal.device, self.radius * min(rows, columns)
        along_rows = torch.fft.fftfreq(rows, 1 / rows, device=device)[:, None]
        along_columns = torch.fft.fftfreq(columns, 1 / columns, device=device)[None, :]
        inside = along_rows**2 + along_columns**2 <= reach**2
        return filtered(signal, rows, columns, inside.float()[None])

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """(T, C)."""
        return tokens, channels


def filtered(signal: Tensor, rows: int, columns: int, gain: Tensor) -> Tensor:
    """Signal (B, T, C) with each frequency times its gain (B or 1, rows, columns); float32."""
    spectrum = torch.fft.fft2(signal.float().unflatten(1, (rows, columns)), dim=(1, 2))
    image: Tensor = torch.fft.ifft2(spectrum * gain[..., None], dim=(1, 2)).real
    return image.flatten(1, 2)
