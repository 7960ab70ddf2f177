"""The committed flux-nano: the layout that was promised, and pictures of what the prompts say."""

from pathlib import Path

import pytest

from nano.adherence import summarize
from nano.check import generate, load_pipeline
from nano.checker import read
from nano.export import FOLDER
from nano.grammar import Scene, draw_scene, split_rng

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw_scene(split_rng("check", 90_000 + i), pair_share=0.0) for i in range(8)]


def test_flux_pipeline_draws_what_the_prompts_say(scenes: list[Scene]) -> None:
    adherence = summarize(scenes, generate(load_pipeline(FOLDER), scenes, 16, 3.5))
    assert adherence.background == 1.0
    assert adherence.one_whole >= 0.6


def test_the_guidance_scale_changes_the_picture(scenes: list[Scene]) -> None:
    low, high = (generate(load_pipeline(FOLDER), scenes[:1], 8, guidance)[0] for guidance in (1.0, 5.0))
    assert (low != high).mean() > 0.01


def test_another_seed_gives_another_picture_of_the_same_prompt(scenes: list[Scene]) -> None:
    first, second = generate(load_pipeline(FOLDER), [scenes[0], scenes[0]], 8, 3.5)
    assert read(first).background == read(second).background == scenes[0].background
    assert (first != second).mean() > 0.01


def test_the_transformer_has_flux_s_two_kinds_of_blocks_and_takes_guidance() -> None:
    config = load_pipeline(FOLDER).transformer.config
    assert config.num_layers >= 5
    assert config.num_single_layers >= 10
    assert config.guidance_embeds


def test_the_folder_is_small_and_has_safetensors_only() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40e6
    assert {path.suffix for path in files} == {".json", ".safetensors"}


def test_there_is_one_model_index_outside_the_tests() -> None:
    parts = ("nano", "server", "h2cache", "config", "docs", "docker", "load_tests")
    found = [path for part in parts for path in (REPOSITORY / part).rglob("model_index.json")]
    assert found == [FOLDER / "model_index.json"]
