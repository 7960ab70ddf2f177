"""A sample whose steps are done to its end: an image file, or why there is none."""

import logging
import time
from collections.abc import Callable

from server.engine.device_error import fault_of, is_device_lost
from server.engine.image import NonFiniteImage, decode, encode
from server.engine.interface import FAILED, SampleEvent, SampleFailed, SampleFinished
from server.engine.loader import LoadedModel
from server.engine.metadata import exif_of_order
from server.engine.paste import pasted
from server.engine.sample import Sample, cache_counts

NON_FINITE = "the image could not be computed: the model's numbers overflowed"
DecodeImage = Callable[[LoadedModel, Sample], bytes]
log = logging.getLogger(__name__)


def finish(model: LoadedModel, sample: Sample, decode_image: DecodeImage) -> SampleEvent:
    """Decode and encode; whatever goes wrong is this sample's failure only. Raises DeviceFault."""
    order, started_s = sample.order, time.perf_counter()
    try:
        content = decode_image(model, sample)
    except NonFiniteImage:
        return SampleFailed(order.sample_id, NON_FINITE)
    except Exception as error:
        if is_device_lost(error):
            raise fault_of(error, order.sample_id) from error
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


def decode_and_encode(model: LoadedModel, sample: Sample, with_metadata: bool = True) -> bytes:
    """The sample's latents as an image file of the order's format, which tells what made it.

    What a mask keeps is the input's own.
    """
    order = sample.order
    image = decode(model, sample.latents, order.width, order.height)
    if order.inputs is not None:
        image = pasted(image, order.inputs)
    counts = cache_counts(sample.caches, len(model.flux.blocks))
    exif = exif_of_order(order, counts) if with_metadata else b""
    return encode(image, order.output_format, order.output_compression, exif)
