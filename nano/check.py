"""`python -m nano.check`: the adherence table of the committed model, cache off."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from diffusers import FluxPipeline
from rich.console import Console
from rich.table import Table

from nano.adherence import Adherence, check_scenes, summarize
from nano.checker import Image
from nano.export import FOLDER
from nano.grammar import Scene
from nano.tokenizers import TEXT_LENGTH

BATCH = 20


def main() -> None:
    """200 prompts at 28 steps, as the model card states."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--guidance", type=float, default=3.5)
    arguments = parser.parse_args()
    pipeline = load_pipeline(arguments.folder)
    scenes = check_scenes(arguments.prompts)
    images = generate(pipeline, scenes, arguments.steps, arguments.guidance)
    Console().print(table(summarize(scenes, images), arguments.steps, arguments.guidance))


def load_pipeline(folder: Path) -> FluxPipeline:
    """The folder in float32, without a progress bar."""
    pipeline = FluxPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def generate(pipeline: FluxPipeline, scenes: Sequence[Scene], steps: int, guidance: float) -> list[Image]:
    """An image a scene at the scenes' size; image i has seed i."""
    images: list[Image] = []
    for start in range(0, len(scenes), BATCH):
        part = scenes[start : start + BATCH]
        made = pipeline(
            [scene.prompt for scene in part],
            height=part[0].height,
            width=part[0].width,
            num_inference_steps=steps,
            guidance_scale=guidance,
            max_sequence_length=TEXT_LENGTH,
            generator=[torch.Generator().manual_seed(start + i) for i in range(len(part))],
        )
        images += [np.asarray(image) for image in made.images]
    return images


def table(adherence: Adherence, steps: int, guidance: float) -> Table:
    """The shares in per cent."""
    title = f"flux-nano: {adherence.prompts} prompts, {steps} steps, guidance {guidance}, cache off"
    shown = Table("right", "share", title=title)
    for name, share in list(asdict(adherence).items())[1:]:
        shown.add_row(name.replace("_whole", " thing(s) wholly right"), f"{100 * share:.1f} %")
    return shown


if __name__ == "__main__":
    main()
