"""The images that contact sheets show: of each setting the first prompts', with seed 0."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image as Pil

from h2cache.arena.setting import Setting
from h2cache.arena.shots import Shot, develop
from h2cache.arena.studio import Image, Studio

SHOWN_PROMPTS = 4
"""So many prompts."""


def kept_image(out: Path, method: str, label: str, steps: int, prompt_index: int) -> Path:
    """Where a contact sheet's image is."""
    return out / "images" / f"{steps}" / method / (label or "off") / f"{prompt_index}.png"


def keep(out: Path, setting: Setting, shot: Shot, image: Image) -> None:
    """Write the image down if it is one that is shown."""
    if shot.prompt_index < SHOWN_PROMPTS and shot.seed == 0:
        path = kept_image(out, setting.name, setting.label, shot.steps, shot.prompt_index)
        path.parent.mkdir(parents=True, exist_ok=True)
        Pil.fromarray(image).save(path)


def keep_lost(out: Path, studio: Studio, prompts: Sequence[str], settings: Sequence[Setting], steps: int) -> None:
    """Make again what is not there."""
    for setting in settings:
        shots = [
            Shot(index, prompt, 0, steps, setting.make())
            for index, prompt in enumerate(prompts[:SHOWN_PROMPTS])
            if not kept_image(out, setting.name, setting.label, steps, index).exists()
        ]
        for made in develop(studio, shots):
            keep(out, setting, made.shot, studio.decode(made.latents))
