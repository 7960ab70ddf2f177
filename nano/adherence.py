"""How often images show what their prompts say, over a fixed set of prompts never used in training."""

from collections.abc import Sequence
from dataclasses import dataclass

from nano.checker import Image, Verdict, judge, read
from nano.grammar import Scene, draw_scene, split_rng


@dataclass(frozen=True)
class Adherence:
    """Shares from 0 to 1 over all prompts, and wholly right ones by the number of things."""

    prompts: int
    background: float
    count: float
    color: float
    shape: float
    place: float
    size: float
    one_whole: float
    two_whole: float


def check_scenes(number: int, first_seed: int = 0) -> list[Scene]:
    """Scenes of the check split, as many with one thing as with two on average."""
    return [draw_scene(split_rng("check", first_seed + i)) for i in range(number)]


def summarize(scenes: Sequence[Scene], images: Sequence[Image]) -> Adherence:
    """Judge an image a scene."""
    verdicts = [judge(scene, read(image)) for scene, image in zip(scenes, images, strict=True)]
    ones = [v for scene, v in zip(scenes, verdicts, strict=True) if len(scene.things) == 1]
    twos = [v for scene, v in zip(scenes, verdicts, strict=True) if len(scene.things) == 2]
    return Adherence(
        prompts=len(scenes),
        background=_share([v.background for v in verdicts]),
        count=_share([v.count for v in verdicts]),
        color=_share([v.color for v in verdicts]),
        shape=_share([v.shape for v in verdicts]),
        place=_share([v.place for v in verdicts]),
        size=_share([bool(v.size) for v in ones]),
        one_whole=_share(_whole(ones)),
        two_whole=_share(_whole(twos)),
    )


def _whole(verdicts: Sequence[Verdict]) -> list[bool]:
    return [verdict.whole for verdict in verdicts]


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else float("nan")
