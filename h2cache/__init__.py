"""H2-Cache for Flux transformers, one decision for each sample of a batch.

Diffusion transformers change slowly from one denoising step to the next. H2-Cache (arXiv 2510.27171, journal
version doi:10.1109/ojcs.2025.3639606) splits Flux's blocks into a structure stage (double-stream) and a
detail stage (single-stream). In each step it runs the first block of a stage, compares that block's residual
r with the one of the last computed step, and where the relative L1 distance of the pooled residuals

    d = mean|P(r_old) - P(r)| / mean|P(r_old)|

is strictly below the stage's threshold, adds the residual that the stage's other blocks gave then instead of
running them. A structure hit forces a detail hit.

Other methods of the field are here as well, each a row of parts (``h2cache.methods``): what is measured, how two
measurements compare, when to reuse, what to put in, which blocks, and bounds.

Each sample of a batch has a method, step count, progress and decisions of its own. The caller owns one
``SampleCache`` a sample and passes them with the batch:

    model = flux_model(transformer)                      # diffusers' FluxTransformer2DModel, FLUX.2's ...
    caches = [SampleCache.start(paper(tau1=0.15, tau2=0.22), num_steps=28) for _ in batch]
    result = denoise_step(model, StepInputs(...), caches)
    result.velocity, result.caches, result.records       # (B, T, C), the new states, what was done

Nothing is global, no model is patched, and the states passed in are never changed.

For a diffusers pipeline there is ``H2Cache``, a module that stands in for its transformer. It alone needs
diffusers, and is imported when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from h2cache.ahead import foresee
from h2cache.block_call import CompiledBlocks
from h2cache.by_parts import by_parts
from h2cache.drop_in.stats import H2Stats
from h2cache.errors import H2CacheError
from h2cache.family import Conditioning, FluxModel, StepInputs, Streams
from h2cache.flux import flux_model
from h2cache.method import Method
from h2cache.methods import METHODS, method, paper
from h2cache.saving import from_bytes, to_bytes
from h2cache.sizes import cache_bytes
from h2cache.state import SampleCache, StageCache
from h2cache.stats import Outcome, SampleStatistics, StepRecord
from h2cache.step import StepResult, denoise_step

if TYPE_CHECKING:
    from h2cache.drop_in.module import H2Cache

__all__ = [
    "METHODS",
    "CompiledBlocks",
    "Conditioning",
    "FluxModel",
    "H2Cache",
    "H2CacheError",
    "H2Stats",
    "Method",
    "Outcome",
    "SampleCache",
    "SampleStatistics",
    "StageCache",
    "StepInputs",
    "StepRecord",
    "StepResult",
    "Streams",
    "by_parts",
    "cache_bytes",
    "denoise_step",
    "flux_model",
    "foresee",
    "from_bytes",
    "method",
    "paper",
    "to_bytes",
]


def __getattr__(name: str) -> Any:
    """The drop-in, so that the library itself imports without diffusers."""
    if name == "H2Cache":
        from h2cache.drop_in.module import H2Cache

        return H2Cache
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
