"""`python -m nano.sheet`: the contact sheet of the model card, 24 prompts with their images."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from nano.adherence import check_scenes
from nano.check import generate, load_pipeline
from nano.checker import Image, judge, read
from nano.export import FOLDER
from nano.grammar import Scene

COLUMNS, CELL, CAPTION = 6, 192, 64
FIRST_SEED = 500


def main() -> None:
    """Seeds that neither training nor the adherence table uses."""
    scenes = check_scenes(24, FIRST_SEED)
    images = generate(load_pipeline(FOLDER), scenes, 28, 3.5)
    sheet(scenes, images).save(Path(__file__).parent / "contact_sheet.png", optimize=True)


def sheet(scenes: Sequence[Scene], images: Sequence[Image]) -> Pil.Image:
    """Images in rows, each over its prompt; a prompt that the checker does not find is in red."""
    rows = -(-len(images) // COLUMNS)
    page = Pil.new("RGB", (COLUMNS * CELL, rows * (CELL + CAPTION)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for i, (scene, image) in enumerate(zip(scenes, images, strict=True)):
        x, y = i % COLUMNS * CELL, i // COLUMNS * (CELL + CAPTION)
        page.paste(Pil.fromarray(image).resize((CELL - 8, CELL - 8)), (x + 4, y + 4))
        ink = "black" if judge(scene, read(image)).whole else "#c02020"
        pen.multiline_text((x + 6, y + CELL), "\n".join(textwrap.wrap(scene.prompt, 28)), ink, font)
    return page


if __name__ == "__main__":
    main()
