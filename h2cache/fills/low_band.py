"""The slow part of an image stream: its low frequencies over the image's grid of tokens."""

from dataclasses import dataclass

import torch
from torch import Tensor

from h2cache.checks import check_number
from h2cache.summary import checked_grid


@dataclass(frozen=True, slots=True)
class LowBand:
    """Frequencies of a 2-D DCT within ``cutoff`` times the highest one's distance from zero.

    Source: repository Tammytcl/FreqCa, arXiv 2510.08669, which takes any image to be square.
    """

    cutoff: float = 0.1

    def __post_init__(self) -> None:
        check_number("cutoff", self.cutoff)

    def __call__(self, signal: Tensor, grid: tuple[int, int] | None) -> Tensor:
        """(T, C) -> its low frequencies (T, C), in the signal's type; computed in float32 or wider."""
        rows, columns = checked_grid(grid, len(signal))
        wide = signal.to(torch.promote_types(signal.dtype, torch.float32)).unflatten(0, (rows, columns))
        along_rows, along_columns = (cosines(length, wide) for length in (rows, columns))
        spectrum = torch.einsum("yi,xj,ijc->yxc", along_rows, along_columns, wide)
        place = [torch.arange(length, device=wide.device, dtype=wide.dtype) for length in (rows, columns)]
        distance = (place[0][:, None].square() + place[1].square()).sqrt()
        kept = spectrum * (distance <= self.cutoff * distance[-1, -1])[..., None]
        low = torch.einsum("yi,xj,yxc->ijc", along_rows, along_columns, kept)
        return low.flatten(0, 1).to(signal.dtype)


def cosines(length: int, like: Tensor) -> Tensor:
    """The orthonormal DCT-II as a matrix (frequency, place)."""
    place = torch.arange(length, device=like.device, dtype=like.dtype)
    matrix = torch.cos(torch.pi / length * place[:, None] * (place + 0.5)) * (2 / length) ** 0.5
    return torch.cat([matrix[:1] / 2**0.5, matrix[1:]])
