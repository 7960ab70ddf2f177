"""``python -m server.bench.sizing``: what one sample holds, and how many fit beside the weights, as a table.

Worked out from shapes, the same rule by which the engine admits samples; nothing is loaded.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from h2cache import FluxModel, cache_bytes, method
from server.engine.memory import SHARE_OF_FREE

GB = 10**9
CONTEXT_GB = 1.0
"""What a CUDA context and its libraries take, an estimate."""
CARDS_GB = (24, 48, 80)
TEXT_TOKENS = 512
SIDES = (512, 1024)


@dataclass(frozen=True)
class Sizes:
    """Of a published model: blocks, width and latent channels, and billions of parameters of all its parts."""

    name: str
    num_double: int
    num_single: int
    width: int
    channels: int
    billions: float

    @property
    def blocks(self) -> range:
        return range(self.num_double + self.num_single)

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16

    @property
    def weights_gb(self) -> float:
        """In bfloat16."""
        return 2 * self.billions


# Transformer, text encoders, VAE: 11.9 + 4.8 + 0.1 + 0.1 (T5-XXL's encoder, CLIP-L); 3.9 + 4.0 + 0.1 (Qwen3-4B);
# 32.2 + 0 + 0.1, for dev's Mistral of 24 fits beside it on none of the cards.
MODELS = (
    Sizes("FLUX.1-dev", 19, 38, 3072, 64, 16.9),
    Sizes("FLUX.2-klein 4B", 5, 20, 3072, 128, 8.0),
    Sizes("FLUX.2-dev by embeddings", 8, 48, 6144, 128, 32.3),
)


def state_bytes(model: Sizes, name: str, side: int) -> int:
    """Of one sample of ``side`` x ``side`` pixels under the method's defaults."""
    sizes: FluxModel = model  # type: ignore[assignment]  # only sizes are asked for
    return cache_bytes(sizes, method(name, {}), (side // 16) ** 2, TEXT_TOKENS)


def num_samples(model: Sizes, each_bytes: int, card_gb: float) -> int:
    """How many states the default budget holds beside the weights."""
    free = card_gb - CONTEXT_GB - model.weights_gb
    return max(0, int(SHARE_OF_FREE * free * GB / each_bytes))


def rows() -> Iterator[str]:
    """The table in Markdown."""
    yield "| model | method | side | state a sample | " + " | ".join(f"{card} GB" for card in CARDS_GB) + " |"
    yield "| --- | --- | --- | --- | " + " | ".join("---" for _ in CARDS_GB) + " |"
    for model in MODELS:
        for name in ("paper", "default"):
            for side in SIDES:
                each = state_bytes(model, name, side)
                fits = [num_samples(model, each, card) for card in CARDS_GB]
                told = " | ".join(str(count) if count else "weights do not fit" for count in fits)
                yield f"| {model.name} | {name} | {side} | {each / 10**6:.1f} MB | {told} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
