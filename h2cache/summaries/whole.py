"""The signal as it is: first-block caching, TeaCache, DiCache."""

from dataclasses import dataclass

from torch import Tensor

from h2cache.summary import View


@dataclass(frozen=True, slots=True)
class Whole:
    """No summary at all."""

    needs_grid = False

    def __call__(self, signal: Tensor, view: View) -> Tensor:
        """(B, N, C) -> float32 (B, N, C)."""
        return signal.float()

    def shape(self, tokens: int, channels: int) -> tuple[int, int]:
        """(N, C)."""
        return tokens, channels
