"""A prompt read back is the scene that it was made of."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano.bank import swap_articles
from nano.drawing import draw
from nano.grammar import draw_scene, split_rng
from nano.said import is_right, scene_of


@given(st.integers(0, 5000))
def test_a_prompt_of_the_grammar_has_its_scene_s_words(seed: int) -> None:
    scene = draw_scene(split_rng("check", seed))
    said = scene_of(scene.prompt)
    assert said is not None
    assert (said.background, said.where) == (scene.background, scene.where)
    assert said.things == tuple(replace(thing, x=0.0, y=0.0, radius=0.0) for thing in scene.things)
    assert scene_of(swap_articles(scene.prompt).capitalize() + ".") == said


@pytest.mark.parametrize(
    "prompt", ["", "a cat", "a red circle on a blue background", "a huge red star at the left"]
)
def test_other_prompts_have_none(prompt: str) -> None:
    assert scene_of(prompt) is None
    assert is_right(prompt, draw(draw_scene(split_rng("check", 1)))) is None


def test_a_drawn_scene_is_right_for_its_prompt_and_wrong_for_another_color() -> None:
    for seed in range(20):
        scene = draw_scene(split_rng("check", seed), pair_share=0.0)
        assert is_right(scene.prompt, draw(scene))
        thing = replace(
            scene.things[0], color="red" if "red" not in (scene.things[0].color, scene.background) else "cyan"
        )
        if thing.color not in (scene.things[0].color, scene.background):
            assert not is_right(scene.prompt, draw(replace(scene, things=(thing,))))
