"""From the form of POST /v1/images/edits or variations to a complete request and its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from server.api.fields import number, one_of, text
from server.api.form_body import body_of
from server.api.generation import parse_generation
from server.api.multipart import Form
from server.api.parts import ApiLimits
from server.api.pictures import Pictures, Size, edit_pictures, uploads_of, variation_pictures
from server.errors import RequestError
from server.profile import ModelProfile
from server.request import ImageInput, ImageRequest, InputKeys
from server.results.inputs import input_key

LEAST_STRENGTH = 0.01
EDIT_STRENGTH, REDRAW_STRENGTH, VARIATION_STRENGTH = 0.8, 1.0, 0.5
"""Where none is given: of an edit without a mask, of one with a mask, of a variation."""


@dataclass(frozen=True, slots=True)
class Editing:
    """A request whose files are to be kept under its keys before it is submitted."""

    request: ImageRequest
    files: Mapping[str, bytes]


def parse_edit(
    form: Form, profile: ModelProfile, limits: ApiLimits, new_seed: Callable[[], int], keep_under: str
) -> Editing:
    """Fields first, then files: these are slow to read, too slow for the event loop."""
    body, uploads = body_of(form.fields), uploads_of(form, profile)
    one_of(body, "input_fidelity", ("high", "low"))
    strength = number(body, "strength", LEAST_STRENGTH, 1)
    request = parse_generation(body, profile, limits, new_seed)
    pictures = edit_pictures(uploads, _size(body, request), profile, limits.upload_limit_pixels)
    if profile.image_input is ImageInput.FILL and pictures.mask is None:
        raise RequestError(f"mask is missing, and {profile.name} fills in what a mask leaves out", "mask")
    if strength is None:
        strength = _default_strength(profile, pictures.mask is not None)
    return _with_files(request, pictures, strength, keep_under)


def parse_variation(
    form: Form, profile: ModelProfile, limits: ApiLimits, new_seed: Callable[[], int], keep_under: str
) -> Editing:
    """As an edit of one image, with a prompt or without."""
    refuse_what_fills_in(profile)
    body, uploads = body_of(form.fields), uploads_of(form, profile)
    strength = number(body, "strength", LEAST_STRENGTH, 1)
    request = parse_generation(body, profile, limits, new_seed, needs_prompt=False)
    pictures = variation_pictures(uploads, _size(body, request), profile, limits.upload_limit_pixels)
    return _with_files(request, pictures, VARIATION_STRENGTH if strength is None else strength, keep_under)


def refuse_what_fills_in(profile: ModelProfile) -> None:
    """A model that fills in has nothing to do without a mask."""
    if profile.image_input is ImageInput.FILL:
        raise RequestError(f"{profile.name} fills in what a mask leaves out, allowed is /v1/images/edits", "model")


def _size(body: Mapping[str, Any], request: ImageRequest) -> Size | None:
    """None is for the nearest to the image's."""
    return None if text(body, "size") in (None, "auto") else (request.width, request.height)


def _default_strength(profile: ModelProfile, has_mask: bool) -> float | None:
    if has_mask:
        return REDRAW_STRENGTH
    return None if profile.image_input is ImageInput.REFERENCE else EDIT_STRENGTH


def _with_files(request: ImageRequest, pictures: Pictures, strength: float | None, keep_under: str) -> Editing:
    files = {input_key(keep_under, place): content for place, content in enumerate(pictures.images)}
    images, mask = tuple(files), None
    if pictures.mask is not None:
        mask = input_key(keep_under, "mask")
        files[mask] = pictures.mask
    inputs = InputKeys(images, mask, strength)
    return Editing(replace(request, width=pictures.width, height=pictures.height, inputs=inputs), files)
