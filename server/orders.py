"""One image of a request as an order to the engine."""

from collections.abc import Mapping

from server.engine.interface import InputImages, SampleOrder
from server.request import ImageRequest


def order_of(
    sample_id: str,
    request: ImageRequest,
    index: int,
    files: Mapping[str, bytes],
    checkpoint: bytes | None = None,
) -> SampleOrder:
    """Image ``index`` has seed + index; ``files`` are the request's input images by their keys."""
    return SampleOrder(
        sample_id=sample_id,
        prompt=request.prompt,
        width=request.width,
        height=request.height,
        steps=request.steps,
        guidance=request.guidance,
        seed=request.seed + index,
        cache=request.cache,
        output_format=request.output_format,
        output_compression=request.output_compression,
        model=request.model,
        partial_images=request.partial_images,
        checkpoint=checkpoint,
        negative_prompt=request.negative_prompt,
        true_cfg=request.true_cfg,
        text_length=request.text_length,
        inputs=_inputs_of(request, files),
    )


def _inputs_of(request: ImageRequest, files: Mapping[str, bytes]) -> InputImages | None:
    keys = request.inputs
    if keys is None:
        return None
    mask = None if keys.mask is None else files[keys.mask]
    return InputImages(tuple(files[key] for key in keys.images), mask, keys.strength)
