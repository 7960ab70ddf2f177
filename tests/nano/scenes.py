"""Scenes for tests."""

from nano.grammar import Scene, draw_scene, split_rng


def any_scene(seed: int) -> Scene:
    return draw_scene(split_rng("check", seed))
