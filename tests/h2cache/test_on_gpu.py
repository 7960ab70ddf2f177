"""On a CUDA device, where a synchronisation is a real one. Never run by its authors."""

import warnings
from dataclasses import replace

import pytest
import torch

from h2cache import StepInputs, denoise_step, flux_model
from tests.h2cache.models import tiny_transformer
from tests.h2cache.samples import H2, Request, Shape, inputs_of, start

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and torch sees none"),
]


def on_gpu(inputs: StepInputs) -> StepInputs:
    assert inputs.guidance is not None
    assert inputs.pooled is not None
    return replace(
        inputs,
        latents=inputs.latents.cuda(),
        prompt_embeds=inputs.prompt_embeds.cuda(),
        pooled=inputs.pooled.cuda(),
        timestep=inputs.timestep.cuda(),
        guidance=inputs.guidance.cuda(),
        img_ids=inputs.img_ids.cuda(),
        txt_ids=inputs.txt_ids.cuda(),
    )


def test_a_step_synchronises_with_the_gpu_at_most_once_a_stage() -> None:
    model, shape = flux_model(tiny_transformer().cuda()), Shape(4, 5, 3)
    rules = [None, H2(0.3, 0.3), H2(50.0, 50.0), H2(0.0, 50.0)]
    batch = [start(Request(rule, 8, seed), shape) for seed, rule in enumerate(rules)]
    inputs, caches = on_gpu(inputs_of(batch, shape)), [sample.cache for sample in batch]
    caches = list(denoise_step(model, inputs, caches).caches)
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        denoise_step(model, inputs, caches)
        torch.cuda.set_sync_debug_mode("default")
    assert len([entry for entry in caught if "synchroniz" in str(entry.message)]) == 2
