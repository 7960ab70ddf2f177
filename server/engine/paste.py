"""A redrawn part put into the image that it is part of."""

from io import BytesIO

from PIL import Image, ImageFilter

from server.engine.interface import InputImages

FEATHER = 8
"""Pixels around the redrawn part over which it fades into the image; further away the image is as it was."""


def paste(made: Image.Image, kept: Image.Image, mask: Image.Image) -> Image.Image:
    """``made`` where the gray ``mask`` is 255, ``kept`` bit for bit where it is 0 all around."""
    wider = mask.filter(ImageFilter.MaxFilter(FEATHER + 1))
    return Image.composite(made, kept, wider.filter(ImageFilter.BoxBlur(FEATHER // 2)))


def pasted(made: Image.Image, inputs: InputImages) -> Image.Image:
    """``made`` within the first input image where a mask says what stays of it, else as it is."""
    if inputs.mask is None:
        return made
    kept = Image.open(BytesIO(inputs.images[0])).convert("RGB")
    return paste(made, kept, Image.open(BytesIO(inputs.mask)).convert("L"))
