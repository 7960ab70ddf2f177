"""Which adapter a transformer needs."""

from collections.abc import Callable, Mapping
from typing import Any

from h2cache.block_call import BlockCall, call_block
from h2cache.errors import H2CacheError
from h2cache.family import FluxModel
from h2cache.flux1 import flux1_model
from h2cache.flux2 import flux2_model
from h2cache.flux3 import flux3_model

ADAPTERS: Mapping[str, Callable[[Any, BlockCall], FluxModel]] = {
    "FluxTransformer2DModel": flux1_model,
    "Flux2Transformer2DModel": flux2_model,
    "Flux3Transformer2DModel": flux3_model,
}
"""By the names of diffusers' classes, so that diffusers is imported by who made the transformer."""


def flux_model(transformer: Any, call: BlockCall = call_block) -> FluxModel:
    """See a transformer of diffusers as a row of blocks. Raises H2CacheError for a class without an adapter.

    With ``CompiledBlocks()`` as ``call`` the blocks run under torch.compile.
    """
    for cls in type(transformer).__mro__:
        if cls.__name__ in ADAPTERS:
            return ADAPTERS[cls.__name__](transformer, call)
    raise H2CacheError(f"transformer is a {type(transformer).__name__[:64]}, allowed are {', '.join(ADAPTERS)}")
