"""Scenes drawn and encoded once, with what the training looks up about them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import Tensor

from nano.drawing import coverage, draw
from nano.flux import pack
from nano.grammar import Scene, draw_scene, split_rng
from nano.palette import COLORS
from nano.shapes import SHAPES
from nano.text import TextIds, tokenize
from nano.vae import encode
from nano.words import word_labels

PATCH = 16
"""Pixels a side of one image token."""


@dataclass(frozen=True)
class Bank:
    """N scenes of one size: packed latents N T 64 (float16), labels of image tokens N T 2 and of words N 16 4,
    text ids N 16."""

    rows: int
    columns: int
    latents: Tensor
    labels: Tensor
    words: Tensor
    text: TextIds
    other_article: TextIds
    empty: TextIds

    def __len__(self) -> int:
        return len(self.latents)


def build_bank(vae: AutoencoderTiny, seeds: Iterable[int], width: int, height: int, pair_share: float) -> Bank:
    """Draw and encode the training scenes of some seeds."""
    scenes = [draw_scene(split_rng("train", seed), width, height, pair_share) for seed in seeds]
    latents = [_encoded(vae, scenes[i : i + 256]) for i in range(0, len(scenes), 256)]
    prompts = [scene.prompt for scene in scenes]
    return Bank(
        height // PATCH,
        width // PATCH,
        torch.cat(latents),
        torch.from_numpy(np.stack([token_labels(scene) for scene in scenes])),
        torch.from_numpy(np.stack([word_labels(scene) for scene in scenes])),
        tokenize(prompts),
        tokenize([swap_articles(prompt) for prompt in prompts]),
        tokenize([""]),
    )


def _encoded(vae: AutoencoderTiny, scenes: list[Scene]) -> Tensor:
    images = torch.from_numpy(np.stack([draw(scene) for scene in scenes])).permute(0, 3, 1, 2)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        return pack(encode(vae, images)).half()


def token_labels(scene: Scene) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """For each image token the shape that covers most of it (0: none) and the colour there: T 2."""
    rows, columns = scene.height // PATCH, scene.width // PATCH
    shape = np.zeros((rows, columns), np.uint8)
    color = np.full((rows, columns), COLORS.index(scene.background), np.uint8)
    most = np.zeros((rows, columns), np.float32)
    for thing in scene.things:
        full = np.zeros((scene.height, scene.width), np.float32)
        at_rows, at_columns, cover = coverage(thing, scene.height, scene.width)
        full[at_rows, at_columns] = cover
        share = full.reshape(rows, PATCH, columns, PATCH).mean((1, 3))
        here = share > np.maximum(most, 0.02)
        shape[here] = 1 + tuple(SHAPES).index(thing.shape)
        color[here] = COLORS.index(thing.color)
        most = np.maximum(most, share)
    return np.stack([shape, color], -1).reshape(rows * columns, 2)


def swap_articles(prompt: str) -> str:
    """The prompt with "a" for "an" and the other way round: both are to be understood."""
    swap = {"a": "an", "an": "a"}
    return " ".join(swap.get(word, word) for word in prompt.split())
