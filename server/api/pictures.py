"""The files of a form as pictures that a request can start from."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from server.api.multipart import Form
from server.api.quoting import printable, quoted
from server.api.sizes import nearest_size
from server.errors import RequestError
from server.profile import ModelProfile
from server.upload import fitted, fitted_hole, hole_of, on_white, read_picture, to_png

FILES = ("image", "image[]", "mask")
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Uploads:
    """A form's files: at least one image, and perhaps a mask."""

    images: tuple[bytes, ...]
    mask: bytes | None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The uploads of one size, ready to be stored: PNG files, the mask gray and 255 where the image is redrawn."""

    width: int
    height: int
    images: tuple[bytes, ...]
    mask: bytes | None


def uploads_of(form: Form, profile: ModelProfile) -> Uploads:
    """The files by their fields; ``image[]`` is what clients call the field when there are several."""
    for name, _ in form.files:
        if name not in FILES:
            raise RequestError(f"file {quoted(name)} is unknown, allowed are {', '.join(FILES)}", printable(name))
    for name, _ in form.fields:
        if name in FILES:
            raise RequestError(f"{name} is a text, allowed is a file", name.removesuffix("[]"))
    images = tuple(content for name, content in form.files if name != "mask")
    masks = [content for name, content in form.files if name == "mask"]
    if not images:
        raise RequestError("image is missing, allowed is a file", "image")
    if len(images) > profile.max_input_images:
        allowed = f"allowed for {profile.name} are {profile.max_input_images}"
        raise RequestError(f"image is given {len(images)} times, {allowed}", "image")
    if len(masks) > 1:
        raise RequestError(f"mask is given {len(masks)} times, allowed is once", "mask")
    return Uploads(images, masks[0] if masks else None)


def edit_pictures(uploads: Uploads, size: Size | None, profile: ModelProfile, max_pixels: int) -> Pictures:
    """Without a mask, what is transparent in the first image is redrawn. Slow for large images."""
    images = _read(uploads.images, max_pixels)
    hole = hole_of(images[0]) if uploads.mask is None else _mask(uploads.mask, images[0].size, max_pixels)
    return _of_one_size(images, hole, size, profile)


def variation_pictures(uploads: Uploads, size: Size | None, profile: ModelProfile, max_pixels: int) -> Pictures:
    """Without a mask; what is transparent is white. Slow for large images."""
    if uploads.mask is not None:
        raise RequestError("mask is given, allowed is a mask in /v1/images/edits", "mask")
    images = [on_white(image) for image in _read(uploads.images, max_pixels)]
    return _of_one_size(images, None, size, profile)


def _read(images: Sequence[bytes], max_pixels: int) -> list[Image.Image]:
    """Each with its place in an error where there are several."""
    names = ["image"] if len(images) == 1 else [f"image[{place}]" for place in range(len(images))]
    return [read_picture(content, name, max_pixels) for content, name in zip(images, names, strict=True)]


def _mask(content: bytes, size: Size, max_pixels: int) -> Image.Image:
    """The hole of an upload that is transparent where the image is to be redrawn."""
    mask = read_picture(content, "mask", max_pixels)
    if mask.size != size:
        given, allowed = (f"{width} x {height}" for width, height in (mask.size, size))
        raise RequestError(f"mask is {given} pixels, allowed is the image's {allowed}", "mask")
    hole = hole_of(mask)
    if hole is None:
        raise RequestError("mask has no transparent pixel, and those are what is redrawn", "mask")
    return hole


def _of_one_size(
    images: Sequence[Image.Image], hole: Image.Image | None, size: Size | None, profile: ModelProfile
) -> Pictures:
    """Of the size given, or of that nearest to the first image's."""
    width, height = size or nearest_size(*images[0].size, profile)
    mask = None if hole is None else fitted_hole(hole, width, height)
    if mask is not None and mask.getbbox() is None:
        raise RequestError("mask has no transparent pixel left when it is brought to the size", "mask")
    pngs = tuple(to_png(fitted(image, width, height)) for image in images)
    return Pictures(width, height, pngs, None if mask is None else to_png(mask))
