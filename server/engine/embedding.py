"""What a prompt has become."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Embedding:
    """One prompt: states (S, E), a pooled vector (P,) where the family has one, and its tokens without padding."""

    tokens: Tensor
    pooled: Tensor | None
    num_tokens: int

    @property
    def nbytes(self) -> int:
        """Bytes of both tensors."""
        return self.tokens.nbytes + (0 if self.pooled is None else self.pooled.nbytes)
