"""An order to a sample: everything that is needed before its first step."""

import time

import torch

from h2cache import SampleCache
from server.engine.interface import SampleOrder
from server.engine.latents import draw_noise, num_tokens
from server.engine.loader import LoadedModel
from server.engine.memory import sample_bytes
from server.engine.sample import Sample, cache_method
from server.engine.schedule import sigmas_of
from server.engine.text_encoder import TextEncoder


@torch.inference_mode()
def prepare(model: LoadedModel, text: TextEncoder, order: SampleOrder) -> Sample:
    """Encode the prompt, draw the noise, compute the schedule, and say how many bytes the sample will hold."""
    started_s = time.perf_counter()
    config = model.pipeline.transformer.config
    channels, tokens = config.in_channels // 4, num_tokens(order.width, order.height)
    embedding, method = text.encode(order.prompt), cache_method(order.cache)
    noise = draw_noise(order.seed, channels, order.width, order.height, model.dtype)
    return Sample(
        order=order,
        embedding=embedding,
        latents=noise.to(model.device),
        sigmas=sigmas_of(model.pipeline.scheduler.config, order.steps, tokens),
        cache=SampleCache.start(method, order.steps),
        needed_bytes=sample_bytes(
            model.flux,
            order.width,
            order.height,
            order.steps,
            embedding,
            channels,
            model.dtype,
            method,
        ),
        encode_ms=1000 * (time.perf_counter() - started_s),
    )
