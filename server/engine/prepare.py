"""An order to a sample: everything that is needed before its first step."""

import time

import torch

from h2cache import SampleCache
from server.engine.interface import SampleOrder
from server.engine.latents import num_tokens
from server.engine.loader import LoadedModel
from server.engine.memory import sample_bytes
from server.engine.sample import Sample, cache_method
from server.engine.schedule import sigmas_of
from server.engine.text_encoder import TextEncoder

NEGATIVE_PROMPT = ""
"""What the second row of classifier-free guidance is told, as in diffusers' pipelines."""


@torch.inference_mode()
def prepare(model: LoadedModel, text: TextEncoder, order: SampleOrder) -> Sample:
    """Encode the prompt, draw the noise, compute the schedule, and say how many bytes the sample will hold."""
    started_s = time.perf_counter()
    family, pipeline, method = model.family, model.pipeline, cache_method(order.cache)
    prompts = [order.prompt]
    if family.guides_by_two(pipeline, order.guidance):
        prompts.append(NEGATIVE_PROMPT)
    embeddings = tuple(text.encode(prompt) for prompt in prompts)
    size = order.width, order.height
    noise = family.draw_noise(order.seed, model.flux.channels, *size, model.dtype)
    config = pipeline.scheduler.config
    return Sample(
        order=order,
        embeddings=embeddings,
        latents=noise.to(model.device),
        sigmas=sigmas_of(config, order.steps, family.mu(config, num_tokens(*size), order.steps)),
        caches=tuple(SampleCache.start(method, order.steps) for _ in prompts),
        needed_bytes=sample_bytes(model.flux, *size, order.steps, embeddings, model.dtype, method),
        encode_ms=1000 * (time.perf_counter() - started_s),
    )
