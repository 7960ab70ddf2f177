"""What each word of a prompt is about: the text encoder is taught it, so that colours and places bind to shapes.

From the images alone it learns a bag of words: two circles and two colours in a prompt, and no telling which has
which. A head on its tokens, for training only, has to say of each word which thing it belongs to: that thing's
shape, colour, place and size.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nano.curve import Curve
from nano.grammar import PLACES, SIZES, Scene
from nano.palette import COLORS
from nano.run import Run, decay, train_for, warm_up
from nano.settings import WordSettings
from nano.shapes import SHAPES
from nano.text import TOKEN_WIDTH, TextEncoders, TextIds
from nano.tokenizers import TEXT_LENGTH

NUM_CLASSES = (len(SHAPES) + 1, len(COLORS) + 1, len(PLACES) + 1, len(SIZES) + 1)
"""Of shape, colour, place and size; 0 is none."""
SIDES = {
    "left of": ("left", "right"),
    "right of": ("right", "left"),
    "above": ("top", "bottom"),
    "below": ("bottom", "top"),
}
"""Where the first and the second thing of a relation are."""

Labels = npt.NDArray[np.uint8]


class WordReader(nn.Module):
    """The training-only head: tokens B 16 128 to logits of the four labels."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Linear(TOKEN_WIDTH, sum(NUM_CLASSES))

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.read(tokens)
        return logits


def word_labels(scene: Scene) -> Labels:
    """Shape, colour, place and size of what each token is about: 16 4. A word is one token (``tokenizers.py``)."""
    labels = np.zeros((TEXT_LENGTH, 4), np.uint8)
    words = scene.prompt.split()
    background = words.index("on")
    labels[background : len(words), 1] = 1 + COLORS.index(scene.background)
    if len(scene.things) == 1:
        (thing,) = scene.things
        labels[:background] = _about(thing.shape, thing.color, scene.where, thing.size)
        return labels
    first, second = scene.things
    place, opposite = SIDES[scene.where]
    start = 3 + len(scene.where.split())
    labels[:3] = _about(first.shape, first.color, place, None)
    labels[3:start] = (0, 0, 1 + PLACES.index(place), 0)
    labels[start:background] = _about(second.shape, second.color, opposite, None)
    return labels


def _about(shape: str, color: str, place: str, size: str | None) -> tuple[int, int, int, int]:
    return (
        1 + tuple(SHAPES).index(shape),
        1 + COLORS.index(color),
        1 + PLACES.index(place),
        0 if size is None else 1 + tuple(SIZES).index(size),
    )


def word_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the four labels at each token; logits B 16 n, labels B 16 4."""
    parts = logits.split(NUM_CLASSES, -1)
    losses = [F.cross_entropy(part.flatten(0, 1), labels[..., i].flatten()) for i, part in enumerate(parts)]
    return torch.stack(losses).sum()


class Pupil(nn.Module):
    """What is trained in this stage."""

    def __init__(self, text: TextEncoders, reader: WordReader) -> None:
        super().__init__()
        self.t5, self.reader = text.t5, reader


def train_words(
    text: TextEncoders,
    reader: WordReader,
    prompts: TextIds,
    labels: Tensor,
    settings: WordSettings,
    seconds: float,
    folder: Path,
) -> None:
    """Teach T5 the words for a time, by prompts alone; ``labels`` N 16 4."""
    pupil = Pupil(text, reader)
    optimizer = torch.optim.AdamW(pupil.parameters(), settings.rate, betas=(0.9, 0.98), weight_decay=0.01)
    run = Run(model=pupil, optimizers=(optimizer,), generator=torch.Generator().manual_seed(2))

    def step(done: float) -> float:
        optimizer.param_groups[0]["lr"] = settings.rate * warm_up(run.step, 50) * decay(done, 0.5)
        rows = torch.randint(len(labels), (settings.batch,), generator=run.generator)
        tokens = pupil.t5(prompts.t5[rows])[0]
        loss = word_loss(pupil.reader(tokens), labels[rows].long())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    train_for(run, seconds, folder / "words.pt", Curve(folder / "curve.csv", "words"), step)
