"""Images side by side with what each cost, as one picture."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

LEAST_SIDE, MOST_SIDE = 256, 512
"""Small images are enlarged to the one, large ones reduced to the other."""
MARGIN, GAP, A_ROW = 24, 16, 5
TITLE_PX, NAME_PX, LINE_PX = 22, 20, 16
PAPER, INK, SOFT = "#ffffff", "#16181d", "#5b6270"


@dataclass(frozen=True, slots=True)
class Shot:
    """One image under a rule. ``skipped`` is the share of the blocks' FLOPs, ``psnr_db`` None for itself."""

    name: str
    image: bytes
    seconds: float
    skipped: float
    psnr_db: float | None
    cache: Mapping[str, Any]

    @property
    def fidelity(self) -> str:
        """The PSNR as people read it."""
        if self.psnr_db is None:
            return "exact"
        return "equal" if math.isinf(self.psnr_db) else f"{self.psnr_db:.1f} dB"

    def as_dict(self) -> dict[str, Any]:
        """Everything but the image; equal images have no finite PSNR and are null there."""
        finite = self.psnr_db if self.psnr_db is not None and math.isfinite(self.psnr_db) else None
        return {"rule": self.name, "seconds": self.seconds, "skipped": self.skipped, "psnr_db": finite} | {
            "cache": dict(self.cache)
        }


def draw_sheet(prompt: str, seed: int, shots: Sequence[Shot]) -> Image.Image:
    """The prompt, then the images in rows of five with their numbers below."""
    pictures = [resized(shot.image) for shot in shots]
    width, height = pictures[0].size
    columns = min(A_ROW, len(shots))
    rows = math.ceil(len(shots) / columns)
    across = 2 * MARGIN + columns * width + (columns - 1) * GAP
    title = textwrap.wrap(f"{shortened(prompt)}  (seed {seed})", max(20, across // (TITLE_PX // 2)))
    top = MARGIN + len(title) * (TITLE_PX + 8) + GAP
    below = NAME_PX + 3 * LINE_PX + 34
    sheet = Image.new("RGB", (across, top + rows * (height + below) + MARGIN // 2), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(title):
        draw.text((MARGIN, MARGIN + number * (TITLE_PX + 8)), line, INK, ImageFont.load_default(TITLE_PX))
    for number, (shot, picture) in enumerate(zip(shots, pictures, strict=True)):
        row, column = divmod(number, columns)
        x, y = MARGIN + column * (width + GAP), top + row * (height + below)
        sheet.paste(picture, (x, y))
        write_below(draw, x, y + height + 8, shot, shots[0])
    return sheet


def write_below(draw: ImageDraw.ImageDraw, x: int, y: int, shot: Shot, exact: Shot) -> None:
    """Name, seconds, skipped share and PSNR."""
    draw.text((x, y), shot.name, INK, ImageFont.load_default(NAME_PX))
    faster = f"   {exact.seconds / shot.seconds:.1f}x" if shot is not exact and shot.seconds else ""
    lines = (
        f"{shot.seconds:.2f} s{faster}",
        f"{shot.skipped:.0%} skipped",
        f"PSNR {shot.fidelity}" if shot.psnr_db is not None else "exact",
    )
    for number, line in enumerate(lines):
        draw.text((x, y + NAME_PX + 8 + number * (LINE_PX + 5)), line, SOFT, ImageFont.load_default(LINE_PX))


def resized(image: bytes) -> Image.Image:
    """Whole-number enlarged or smoothly reduced, so that the longer side is within the bounds."""
    picture = Image.open(BytesIO(image)).convert("RGB")
    longest = max(picture.size)
    if longest > MOST_SIDE:
        picture.thumbnail((MOST_SIDE, MOST_SIDE), Image.Resampling.LANCZOS)
        return picture
    times = max(1, LEAST_SIDE // longest)
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)


def shortened(prompt: str, longest: int = 300) -> str:
    """At most three hundred characters."""
    return prompt if len(prompt) <= longest else prompt[: longest - 1] + "\u2026"
