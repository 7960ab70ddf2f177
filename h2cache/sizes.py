"""How much memory a sample's cache takes, told before it exists."""

from math import prod

from h2cache.family import FluxModel
from h2cache.summary import summary_shape


def cache_bytes(model: FluxModel, img_tokens: int, txt_tokens: int) -> int:
    """Bytes of one sample's state once both stages have been computed: ``SampleCache.nbytes`` after a full step.

    Each stage keeps the residuals of both streams in the model's dtype, and in float32 its summary and that
    summary's mean size. At 1024 x 1024 pixels and 512 text tokens FLUX.1 in bfloat16 takes 70 MB.
    """
    tokens = img_tokens + txt_tokens
    residuals = 2 * tokens * model.width * model.dtype.itemsize
    structure = prod(summary_shape(img_tokens, model.width, model.structure.pool_size))
    detail = prod(summary_shape(tokens, model.width, model.detail.pool_size))
    return residuals + 4 * (structure + 1) + 4 * (detail + 1)
