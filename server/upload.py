"""Images from strangers: bytes to pixels within bounds, and onto a size that the model serves.

What the decoder says of a stranger's file is not told to clients: elsewhere it has given away addresses in memory.
"""

import logging
from io import BytesIO

from PIL import Image, ImageOps

from server.errors import RequestError

FORMATS = ("PNG", "JPEG", "WEBP")
SHORTEST_SIDE, LONGEST_SIDE = 16, 16384
"""Pixels. Below, nothing is to be seen; above, a few rows would be cheap to send and dear to resize."""
OPAQUE_FROM = 128
"""Alpha from which a pixel stays, of 0 to 255."""
log = logging.getLogger(__name__)


def read_picture(content: bytes, param: str, max_pixels: int) -> Image.Image:
    """RGB, or RGBA where it has transparency, turned upright and without metadata. Raises RequestError."""
    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
        width, height, frames = *image.size, getattr(image, "n_frames", 1)
    except Exception as error:
        # Any exception may come of a stranger's file, of Pillow's own plugins too.
        raise _unreadable(param, error) from None
    _check_size(width, height, param, max_pixels)
    # A phone's JPEG may have a preview as a second frame; Pillow then calls it MPO.
    if frames > 1 and image.format != "MPO":
        raise RequestError(f"{param} has {frames} frames, allowed is 1", param)
    try:
        return _decoded(image)
    except Exception as error:
        raise _unreadable(param, error) from None


def hole_of(image: Image.Image) -> Image.Image | None:
    """A gray mask, 255 where the picture is transparent and 0 where it is not; None where it is opaque."""
    if image.mode != "RGBA":
        return None
    hole = image.getchannel("A").point([255 if level < OPAQUE_FROM else 0 for level in range(256)])
    return hole if hole.getbbox() else None


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """RGB of a size: resized to cover it and cropped around the middle; one of that size stays bit for bit."""
    return ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS)


def fitted_hole(mask: Image.Image, width: int, height: int) -> Image.Image:
    """The mask of a picture that goes through ``fitted``."""
    return ImageOps.fit(mask, (width, height), Image.Resampling.NEAREST)


def on_white(image: Image.Image) -> Image.Image:
    """RGB, what is transparent over white."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def to_png(image: Image.Image) -> bytes:
    """The file's bytes, quickly rather than small."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _check_size(width: int, height: int, param: str, max_pixels: int) -> None:
    """From the header alone: nothing has been decoded yet."""
    if not SHORTEST_SIDE <= min(width, height) <= max(width, height) <= LONGEST_SIDE:
        raise RequestError(
            f"{param} is {width} x {height} pixels, allowed are sides from {SHORTEST_SIDE} to {LONGEST_SIDE}",
            param,
        )
    if width * height > max_pixels:
        raise RequestError(
            f"{param} is {width} x {height} pixels, which is {width * height}, allowed are {max_pixels}", param
        )


def _decoded(image: Image.Image) -> Image.Image:
    """All pixels, upright, 8 bits a channel, and nothing besides."""
    image.load()
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I"):
        turned = turned.convert("I").point(lambda level: level / 256).convert("L")
    is_transparent = "A" in turned.mode or "transparency" in turned.info
    plain = turned.convert("RGBA" if is_transparent else "RGB")
    plain.info = {}
    return plain


def _unreadable(param: str, error: Exception) -> RequestError:
    log.debug("%s could not be read", param, exc_info=error)
    return RequestError(f"{param} cannot be read as an image, allowed are whole PNG, JPEG and WebP files", param)
