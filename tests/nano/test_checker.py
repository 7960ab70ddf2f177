"""The checker reads drawn scenes rightly, and says so when an image is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from nano.checker import judge, read
from nano.components import components
from nano.drawing import draw
from nano.grammar import Scene, Thing, draw_scene, split_rng
from nano.shapes import SHAPES


@pytest.mark.parametrize(("width", "height", "number"), [(128, 128, 240), (192, 160, 60)])
def test_more_than_99_of_100_drawn_scenes_are_read_wholly_right(width: int, height: int, number: int) -> None:
    scenes = [draw_scene(split_rng("check", 50_000 + i), width, height) for i in range(number)]
    assert sum(judge(scene, read(draw(scene))).whole for scene in scenes) > 0.99 * number


def one(shape: str = "heart", color: str = "red") -> Scene:
    return Scene(128, 128, "blue", (Thing(color, shape, 36, 64, 26, "large"),), "left")


@pytest.mark.parametrize("shape", list(SHAPES))
def test_a_wrong_shape_is_seen(shape: str) -> None:
    verdict = judge(one("heart"), read(draw(one(shape))))
    assert verdict.shape == (shape == "heart")
    assert verdict.whole == (shape == "heart")


def test_a_wrong_color_background_place_size_or_number_is_seen() -> None:
    scene, thing = one(), one().things[0]
    assert not judge(scene, read(draw(one(color="green")))).color
    assert not judge(scene, read(draw(replace(scene, background="cyan")))).background
    assert not judge(scene, read(draw(replace(scene, things=(replace(thing, x=92),))))).place
    assert not judge(scene, read(draw(replace(scene, things=(replace(thing, radius=14),))))).size
    second = replace(thing, shape="ring", x=100, radius=16)
    assert not judge(scene, read(draw(replace(scene, things=(thing, second))))).count


def test_swapped_colors_of_two_objects_are_seen() -> None:
    left, right = Thing("red", "star", 36, 64, 20), Thing("green", "ring", 94, 64, 20)
    scene = Scene(128, 128, "white", (left, right), "left of")
    swapped = replace(scene, things=(replace(left, color="green"), replace(right, color="red")))
    assert judge(scene, read(draw(scene))).whole
    verdict = judge(scene, read(draw(swapped)))
    assert (verdict.shape, verdict.color) == (True, False)


def test_noise_is_no_scene() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert not judge(one(), read(noise)).whole


def test_components_are_the_connected_parts_largest_first() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0, 0:2] = mask[3:6, 3:6] = mask[7, 7] = True
    parts = components(mask, smallest=2)
    assert [int(part.sum()) for part in parts] == [9, 2]
