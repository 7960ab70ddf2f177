"""The order of an image as the request that makes it again."""

from typing import Any

from server.engine.interface import SampleOrder
from server.image_metadata import INPUT_IMAGES, cache_body, exif_of
from server.request import CacheCounts


def exif_of_order(order: SampleOrder, counts: CacheCounts) -> bytes:
    """The metadata of an order's image."""
    return exif_of(request_of(order), counts)


def request_of(order: SampleOrder) -> dict[str, Any]:
    """A body of POST /v1/images/generations for this one image, or the fields of an edit without its files."""
    body = {
        "model": order.model,
        "prompt": order.prompt,
        "size": f"{order.width}x{order.height}",
        "seed": order.seed,
        "num_inference_steps": order.steps,
        "guidance_scale": order.guidance,
        "negative_prompt": order.negative_prompt,
        "true_cfg_scale": None if order.true_cfg == 1.0 else order.true_cfg,
        "max_sequence_length": order.text_length,
        "strength": None if order.inputs is None else order.inputs.strength,
        INPUT_IMAGES: None if order.inputs is None else len(order.inputs.images),
        "cache": cache_body(order.cache),
    }
    return {key: value for key, value in body.items() if value is not None}
