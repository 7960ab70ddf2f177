"""A sample whose steps are done to its end: an image file, or why there is none."""

import logging
import time
from collections.abc import Callable

from server.engine.image import NonFiniteImage, decode, encode
from server.engine.interface import FAILED, EngineEvent, SampleFailed, SampleFinished
from server.engine.loader import LoadedModel
from server.engine.paste import pasted
from server.engine.sample import Sample, cache_counts

NON_FINITE = "the image could not be computed: the model's numbers overflowed"
DecodeImage = Callable[[LoadedModel, Sample], bytes]
log = logging.getLogger(__name__)


def finish(model: LoadedModel, sample: Sample, decode_image: DecodeImage) -> EngineEvent:
    """Decode and encode; whatever goes wrong is this sample's failure only."""
    order, started_s = sample.order, time.perf_counter()
    try:
        content = decode_image(model, sample)
    except NonFiniteImage:
        return SampleFailed(order.sample_id, NON_FINITE)
    except Exception:
        log.exception("decoding failed")
        return SampleFailed(order.sample_id, FAILED)
    return SampleFinished(
        order.sample_id,
        content,
        cache_counts(sample.caches, len(model.flux.blocks)),
        sample.encode_ms,
        sample.denoise_ms,
        1000 * (time.perf_counter() - started_s),
        sample.embeddings[0].num_tokens,
    )


def decode_and_encode(model: LoadedModel, sample: Sample) -> bytes:
    """The sample's latents as an image file of the order's format; what a mask keeps is the input's own."""
    order = sample.order
    image = decode(model, sample.latents, order.width, order.height)
    if order.inputs is not None:
        image = pasted(image, order.inputs)
    return encode(image, order.output_format, order.output_compression)
