"""The scenes obey the grammar's geometry, and their prompts say what they show."""

import re

from hypothesis import given
from hypothesis import strategies as st

from nano.checker import place, relation
from nano.grammar import PAIR_RADIUS, SIZES, draw_scene, split_rng
from nano.palette import COLORS
from nano.shapes import SHAPES
from nano.tokenizers import TEXT_LENGTH, build_clip_tokenizer, build_t5_tokenizer

COLOR, SHAPE = f"({'|'.join(COLORS)})", f"({'|'.join(SHAPES)})"
GROUND = f"on an? {COLOR} background"
ONE = re.compile(f"an? (small|large) {COLOR} {SHAPE} at the (left|right|top|bottom|center) {GROUND}")
TWO = re.compile(f"an? {COLOR} {SHAPE} (above|below|left of|right of) an? {COLOR} {SHAPE} {GROUND}")
SEEDS = st.integers(0, 2**31)


@given(SEEDS)
def test_a_prompt_is_a_sentence_of_the_grammar(seed: int) -> None:
    scene = draw_scene(split_rng("train", seed))
    assert (ONE if len(scene.things) == 1 else TWO).fullmatch(scene.prompt)


@given(SEEDS)
def test_an_object_never_has_the_background_s_color_and_two_have_different_shapes(seed: int) -> None:
    scene = draw_scene(split_rng("train", seed))
    assert all(thing.color != scene.background for thing in scene.things)
    assert len({thing.shape for thing in scene.things}) == len(scene.things)


@given(SEEDS)
def test_half_the_longer_side_of_the_box_is_the_size_that_the_words_say(seed: int) -> None:
    scene = draw_scene(split_rng("train", seed))
    for thing in scene.things:
        figure = SHAPES[thing.shape]
        radius = thing.radius * max(figure.half_width, figure.half_height)
        low, high = SIZES[thing.size] if thing.size else PAIR_RADIUS
        assert low - 1e-6 <= radius <= high + 1e-6


@given(SEEDS)
def test_centroids_are_where_the_words_say(seed: int) -> None:
    scene = draw_scene(split_rng("train", seed))
    first, last = scene.things[0], scene.things[-1]
    if len(scene.things) == 1:
        assert place(first.x - 64, first.y - 64) == scene.where
    else:
        assert relation(last.x - first.x, last.y - first.y) == scene.where


def test_the_check_split_shares_no_scene_with_the_training_split() -> None:
    train = {draw_scene(split_rng("train", seed)) for seed in range(500)}
    check = {draw_scene(split_rng("check", seed)) for seed in range(500)}
    assert not train & check


@given(SEEDS)
def test_every_prompt_fits_into_the_text_length_without_unknown_words(seed: int) -> None:
    prompt = draw_scene(split_rng("train", seed)).prompt
    t5, clip = build_t5_tokenizer(), build_clip_tokenizer()
    for tokenizer in (t5, clip):
        ids = tokenizer(prompt).input_ids
        assert len(ids) <= TEXT_LENGTH
        assert tokenizer.unk_token_id not in ids
    assert len(t5(prompt).input_ids) == len(prompt.split()) + 1
