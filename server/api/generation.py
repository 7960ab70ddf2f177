"""From the JSON of POST /v1/images/generations to a complete request."""

from collections.abc import Callable, Mapping
from typing import Any

from server.api.cache_choice import resolve_cache
from server.api.fields import integer, number, one_of, text
from server.api.parts import ApiLimits
from server.api.sizes import resolve_size
from server.errors import RequestError
from server.profile import ModelProfile
from server.request import ImageRequest, OutputFormat

LARGEST_SEED = 2**53 - 1
"""What a JSON number holds exactly in every language."""
LONGEST_USER = 512
MOST_PARTIALS = 3
"""Previews of an image, as OpenAI allows."""
FORMATS = tuple(output_format.value for output_format in OutputFormat)


def parse_generation(
    body: Mapping[str, Any],
    profile: ModelProfile,
    limits: ApiLimits,
    new_seed: Callable[[], int],
    needs_prompt: bool = True,
) -> ImageRequest:
    """Check and complete; unknown top-level keys are ignored as other servers do."""
    _refuse_what_does_not_work_yet(body)
    prompt = prompt_of(body, limits.prompt_limit, needs_prompt)
    width, height = resolve_size(text(body, "size"), profile, limits.size_policy)
    # What the queue never holds would be a 429 for ever.
    num_images = integer(body, "n", 1, min(profile.max_images, limits.max_queue)) or 1
    highest_seed = LARGEST_SEED - (num_images - 1)  # the last image has seed + n - 1
    seed = integer(body, "seed", 0, highest_seed)
    guidance = number(body, "guidance_scale", 0, profile.max_guidance)
    compression = integer(body, "output_compression", 0, 100)
    return ImageRequest(
        prompt=prompt,
        model=profile.name,
        num_images=num_images,
        width=width,
        height=height,
        steps=integer(body, "num_inference_steps", 1, profile.max_steps) or profile.default_steps,
        guidance=profile.default_guidance if guidance is None else guidance,
        seed=min(new_seed(), highest_seed) if seed is None else seed,
        cache=resolve_cache(body, profile),
        output_format=OutputFormat(one_of(body, "output_format", FORMATS) or OutputFormat.PNG),
        output_compression=100 if compression is None else compression,
        user=text(body, "user", LONGEST_USER),
        partial_images=integer(body, "partial_images", 0, MOST_PARTIALS) or 0,
        **further_fields(body, profile, limits),
    )


def further_fields(body: Mapping[str, Any], profile: ModelProfile, limits: ApiLimits) -> dict[str, Any]:
    """Fields of ImageRequest that OpenAI's and BFL's shapes know under the same names. Raises RequestError."""
    return {
        "negative_prompt": text(body, "negative_prompt", limits.prompt_limit),
        "true_cfg": number(body, "true_cfg_scale", 0, profile.max_guidance) or 1.0,
        "text_length": integer(body, "max_sequence_length", 1, profile.text_length),
    }


def _refuse_what_does_not_work_yet(body: Mapping[str, Any]) -> None:
    one_of(body, "background", ("auto", "opaque"))


def prompt_of(body: Mapping[str, Any], limit: int, needs_prompt: bool = True) -> str:
    """The prompt. Raises RequestError."""
    prompt = text(body, "prompt", limit)
    if not needs_prompt:
        return prompt or ""
    if prompt is None:
        raise RequestError("prompt is missing, allowed is a string", "prompt")
    if not prompt.strip():
        raise RequestError("prompt is empty", "prompt")
    return prompt
