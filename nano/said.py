"""A prompt of the grammar read back to a scene's words, and whether an image shows them."""

import re

from nano.checker import Image, judge, read
from nano.grammar import PLACES, RELATIONS, SIZES, Scene, Thing
from nano.palette import COLORS
from nano.shapes import SHAPES

_COLOR, _SHAPE = f"({'|'.join(COLORS)})", f"({'|'.join(SHAPES)})"
_ONE = re.compile(
    rf"an? ({'|'.join(SIZES)}) {_COLOR} {_SHAPE} at the ({'|'.join(PLACES)}) on an? {_COLOR} background"
)
_TWO = re.compile(
    rf"an? {_COLOR} {_SHAPE} ({'|'.join(RELATIONS)}) an? {_COLOR} {_SHAPE} on an? {_COLOR} background"
)
NOWHERE = 0.0
"""A prompt does not say where exactly a thing is, nor how large."""


def scene_of(prompt: str, width: int = 128, height: int = 128) -> Scene | None:
    """The scene in an image of that size, its things without a place; None for what is not in the grammar."""
    text = prompt.strip().lower().removesuffix(".")
    if one := _ONE.fullmatch(text):
        size, color, shape, place, background = one.groups()
        return Scene(width, height, background, (Thing(color, shape, NOWHERE, NOWHERE, NOWHERE, size),), place)
    if two := _TWO.fullmatch(text):
        color, shape, where, second_color, second_shape, background = two.groups()
        first = Thing(color, shape, NOWHERE, NOWHERE, NOWHERE)
        return Scene(
            width, height, background, (first, Thing(second_color, second_shape, NOWHERE, NOWHERE, NOWHERE)), where
        )
    return None


def is_right(prompt: str, image: Image) -> bool | None:
    """True where everything is as the prompt says; None where the prompt is not in the grammar."""
    height, width = image.shape[:2]
    scene = scene_of(prompt, width, height)
    return None if scene is None else judge(scene, read(image)).whole
