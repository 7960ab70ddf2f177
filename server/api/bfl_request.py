"""From the JSON of a BFL client to a complete request, within the served model's own limits."""

from collections.abc import Callable, Mapping
from typing import Any

from server.api.cache_choice import resolve_cache
from server.api.fields import boolean, integer, number, one_of
from server.api.generation import FORMATS, LARGEST_SEED, further_fields, prompt_of
from server.api.parts import ApiLimits
from server.api.sizes import resolve_size
from server.errors import RequestError
from server.profile import ModelProfile
from server.request import ImageRequest, OutputFormat

MOST_TOLERANT = 6


def parse_bfl(
    body: Mapping[str, Any], profile: ModelProfile, limits: ApiLimits, new_seed: Callable[[], int]
) -> ImageRequest:
    """Check and complete. Our own fields are taken as elsewhere; BFL's go before them. Nothing is moderated."""
    _refuse_what_is_not_done(body)
    integer(body, "safety_tolerance", 0, MOST_TOLERANT)
    width, height = _size(body, profile, limits)
    seed, guidance = integer(body, "seed", 0, LARGEST_SEED), _guidance(body, profile)
    return ImageRequest(
        prompt=prompt_of(body, limits.prompt_limit),
        model=profile.name,
        num_images=1,
        width=width,
        height=height,
        steps=_steps(body, profile),
        guidance=profile.default_guidance if guidance is None else guidance,
        seed=new_seed() if seed is None else seed,
        cache=resolve_cache(body, profile),
        output_format=OutputFormat(one_of(body, "output_format", FORMATS) or OutputFormat.JPEG),
        **further_fields(body, profile, limits),
    )


def _steps(body: Mapping[str, Any], profile: ModelProfile) -> int:
    theirs, ours = (integer(body, key, 1, profile.max_steps) for key in ("steps", "num_inference_steps"))
    return theirs or ours or profile.default_steps


def _guidance(body: Mapping[str, Any], profile: ModelProfile) -> float | None:
    theirs, ours = (number(body, key, 0, profile.max_guidance) for key in ("guidance", "guidance_scale"))
    return ours if theirs is None else theirs


def _refuse_what_is_not_done(body: Mapping[str, Any]) -> None:
    if boolean(body, "prompt_upsampling"):
        raise RequestError("prompt_upsampling is true, allowed is false", "prompt_upsampling")
    if body.get("webhook_secret") is not None:
        raise RequestError("webhook_secret is given, allowed is the server's own, which signs", "webhook_secret")
    if body.get("image_prompt") is not None:
        raise RequestError("image_prompt is given, allowed is /v1/images/edits", "image_prompt")


def _size(body: Mapping[str, Any], profile: ModelProfile, limits: ApiLimits) -> tuple[int, int]:
    """The model's default for a side that is not given."""
    width = integer(body, "width", 1, 10**5) or profile.default_width
    height = integer(body, "height", 1, 10**5) or profile.default_height
    try:
        return resolve_size(f"{width}x{height}", profile, limits.size_policy)
    except RequestError as error:
        side = "height" if _is_served(width, profile) else "width"
        raise RequestError(error.message, side) from error


def _is_served(side: int, profile: ModelProfile) -> bool:
    return profile.min_side <= side <= profile.max_side and side % profile.side_multiple == 0
