"""Each word is told what it is about."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from nano.grammar import PLACES, Scene, Thing
from nano.palette import COLORS
from nano.shapes import SHAPES
from nano.text import TextEncoders, tokenize
from nano.tokenizers import TEXT_LENGTH, build_t5_tokenizer
from nano.words import NUM_CLASSES, WordReader, word_labels, word_loss
from tests.nano.scenes import any_scene


def words_about(scene: Scene) -> dict[str, list[tuple[str | None, str | None, str | None]]]:
    """Each word of the prompt with shape, colour and place of what it is about."""
    told: dict[str, list[tuple[str | None, str | None, str | None]]] = {}
    for word, (shape, color, place, _) in zip(scene.prompt.split(), word_labels(scene).tolist(), strict=False):
        names = tuple([None, *table][i] for table, i in ((SHAPES, shape), (COLORS, color), (PLACES, place)))
        told.setdefault(word, []).append((names[0], names[1], names[2]))
    return told


def test_words_of_two_things_know_their_own() -> None:
    things = (Thing("red", "circle", 0, 0, 1), Thing("blue", "ring", 0, 0, 1))
    told = words_about(Scene(128, 128, "pink", things, "left of"))
    assert told["red"] == told["circle"] == [("circle", "red", "left")]
    assert told["blue"] == told["ring"] == [("ring", "blue", "right")]
    assert told["left"] == told["of"] == [(None, None, "left")]
    assert told["pink"] == told["on"] == [(None, "pink", None)]
    assert told["a"] == [("circle", "red", "left"), ("ring", "blue", "right"), (None, "pink", None)]


def test_words_of_one_thing_know_its_size_too() -> None:
    scene = Scene(128, 128, "white", (Thing("cyan", "star", 0, 0, 1, "large"),), "center")
    assert words_about(scene)["large"] == [("star", "cyan", "center")]
    assert word_labels(scene)[1, 3] == 2


@given(st.integers(0, 3000))
def test_a_label_stands_at_its_word_s_token_and_padding_has_none(seed: int) -> None:
    scene = any_scene(seed)
    pieces = build_t5_tokenizer().convert_ids_to_tokens(tokenize([scene.prompt]).t5[0].tolist())
    words = scene.prompt.split()
    assert [piece.lstrip("▁") for piece in pieces[: len(words)]] == words
    labels = word_labels(scene)
    assert not labels[len(words) :].any()
    assert labels.shape == (TEXT_LENGTH, 4)
    assert (labels.max(0) < NUM_CLASSES).all()


def test_the_loss_is_zero_where_every_label_is_said_for_sure() -> None:
    labels = torch.from_numpy(word_labels(any_scene(1))).long()[None]
    sure = torch.cat(
        [100.0 * torch.nn.functional.one_hot(labels[..., i], n).float() for i, n in enumerate(NUM_CLASSES)], -1
    )
    assert word_loss(sure, labels) < 1e-3
    assert word_loss(-sure, labels) > 100
    tokens, _ = TextEncoders()(tokenize([any_scene(1).prompt]))
    assert WordReader()(tokens).shape == (1, TEXT_LENGTH, sum(NUM_CLASSES))
