"""The answer to a generation: OpenAI's fields, and ours beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from server.request import CacheChoice, CacheCounts, ImageRequest, ImageResult, Job, JobResult


def shape_answer(
    job: Job, result: JobResult, pictures: Sequence[Mapping[str, str]], quality: str
) -> dict[str, Any]:
    """``pictures`` in the order of the result's images: each its bytes as base64, or its address."""
    request = job.request
    return {
        "id": job.id,
        "created": job.submitted_ms // 1000,
        "model": request.model,
        "output_format": request.output_format.value,
        "size": f"{request.width}x{request.height}",
        "quality": quality,
        "background": "opaque",
        "data": [
            _shape_image(request, image, picture) for image, picture in zip(result.images, pictures, strict=True)
        ],
        "usage": shape_usage(request, result),
        "cache": shape_cache(request.cache, [image.counts for image in result.images]),
        "timings": {key: round(value, 3) for key, value in asdict(result.timings).items()},
    }


def _shape_image(request: ImageRequest, image: ImageResult, picture: Mapping[str, str]) -> dict[str, Any]:
    shaped: dict[str, Any] = {
        **picture,
        "seed": image.seed,
        "cache": shape_cache(request.cache, [image.counts]),
    }
    if image.resumed is not None and not image.resumed.exact:
        shaped["resumed"] = asdict(image.resumed)
    return shaped


def shape_cache(choice: CacheChoice, counts: Sequence[CacheCounts]) -> dict[str, Any]:
    """Counts are sums over the images, ``flops_ratio`` is their mean."""
    shaped: dict[str, Any] = {"preset": choice.preset, "tau1": choice.tau1, "tau2": choice.tau2}
    if choice.tau1 is not None:
        shaped["method"] = choice.method
    elif choice.parts is not None:
        shaped |= {"method": choice.method, "parts": json.loads(choice.parts)}
    elif not choice.is_off:
        shaped |= {"method": choice.method, "parameters": dict(choice.parameters)}
    for key in ("steps", "full", "detail_hits", "structure_hits", "blocks_run", "blocks_total"):
        shaped[key] = sum(getattr(count, key) for count in counts)
    shaped["flops_ratio"] = mean(count.flops_ratio for count in counts)
    if any(count.nonfinite for count in counts):
        shaped["nonfinite"] = True
    return shaped


def shape_usage(request: ImageRequest, result: JobResult) -> dict[str, Any]:
    """Tokens as the model counts them: of text and input images in, of images (16x16 pixels) out."""
    text, an_image = result.images[0].text_tokens, (request.width // 16) * (request.height // 16)
    images_in = 0 if request.inputs is None else an_image * len(request.inputs.images)
    out = an_image * len(result.images)
    return {
        "input_tokens": text + images_in,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images_in},
        "output_tokens": out,
        "total_tokens": text + images_in + out,
    }
