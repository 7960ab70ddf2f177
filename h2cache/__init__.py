"""H2-Cache for Flux transformers, one decision a sample (arXiv 2510.27171).

The caller owns a ``SampleCache`` for each image and passes them with the batch to ``denoise_step``, which gives
the velocity and the new states. Nothing is global and no model is patched.
"""

from h2cache.errors import H2CacheError
from h2cache.family import FluxModel, StepInputs
from h2cache.flux1 import flux_model
from h2cache.saving import from_bytes, to_bytes
from h2cache.settings import PAPER, CacheSettings
from h2cache.state import SampleCache, StageCache
from h2cache.stats import Outcome, SampleStatistics, StepRecord
from h2cache.step import StepResult, denoise_step

__all__ = [
    "PAPER",
    "CacheSettings",
    "FluxModel",
    "H2CacheError",
    "Outcome",
    "SampleCache",
    "SampleStatistics",
    "StageCache",
    "StepInputs",
    "StepRecord",
    "StepResult",
    "denoise_step",
    "flux_model",
    "from_bytes",
    "to_bytes",
]
