"""The engine with its model, built where a process has one."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from server.engine.interface import Engine, EngineLimits
from server.model_index import is_on_hub, read_index
from server.profile import ModelProfile, check_image_input, check_rows, model_source
from server.settings import Settings

LoadEngine = Callable[[], Engine]
"""Makes the engine; blocks while the model is loaded. Raises StartupError."""


def real_engine(settings: Settings, profile: ModelProfile) -> Engine:
    """Load the model and build the step engine. Torch is imported here and not before."""
    source = model_source(profile)
    if not is_on_hub(source):
        read_index(Path(source))  # a wrong path is told at once, before seconds of imports

    with no_collection():
        import torch

        from server.engine.finish import decode_and_encode
        from server.engine.loader import load_model
        from server.engine.step_engine import StepEngine

    if settings.threads:
        torch.set_num_threads(settings.threads)
    model = load_model(source, settings.device, settings.dtype)
    check_image_input(profile, model.family.image_input)
    check_rows(profile, model.guides_by_two)
    limits = EngineLimits(
        max_batch=settings.max_batch,
        memory_budget_bytes=settings.memory_budget_mb * 2**20,
        text_cache_bytes=settings.text_cache_mb * 2**20,
        text_length=profile.text_length,
    )
    return StepEngine(model, limits, partial(decode_and_encode, with_metadata=settings.image_metadata))


@contextmanager
def no_collection() -> Iterator[None]:
    """For imports: they make no garbage, and looking for it among all that torch makes takes its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
