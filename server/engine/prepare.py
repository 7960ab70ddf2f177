"""An order to a sample: everything that is needed before its first step."""

import time

import torch
from torch import Tensor

from h2cache import SampleCache
from server.engine.input_images import begin
from server.engine.interface import SampleOrder
from server.engine.latents import num_tokens
from server.engine.loader import LoadedModel
from server.engine.memory import sample_bytes
from server.engine.sample import Sample, cache_method
from server.engine.schedule import sigmas_of
from server.engine.text_encoder import TextEncoder
from server.strength import first_step

NEGATIVE_PROMPT = ""
"""What the second row of classifier-free guidance is told where the order does not say, as in diffusers."""


@torch.inference_mode()
def prepare(model: LoadedModel, text: TextEncoder, order: SampleOrder) -> Sample:
    """Encode prompts and images, draw the noise, compute the schedule, and say how many bytes it will all hold."""
    started_s = time.perf_counter()
    method, cfg_scale = cache_method(order.cache), cfg_scale_of(model, order)
    prompts = [order.prompt]
    if cfg_scale is not None:
        prompts.append(NEGATIVE_PROMPT if order.negative_prompt is None else order.negative_prompt)
    embeddings = tuple(text.encode(prompt, order.text_length) for prompt in prompts)
    sigmas = sigmas_to_take(model, order)
    latents, given = begin(model, order, sigmas[0])
    size, num_steps = (order.width, order.height), len(sigmas) - 1
    return Sample(
        order=order,
        embeddings=embeddings,
        given=given,
        latents=latents,
        sigmas=sigmas,
        caches=tuple(SampleCache.start(method, num_steps) for _ in prompts),
        needed_bytes=sample_bytes(model.flux, *size, num_steps, embeddings, given, model.dtype, method),
        encode_ms=1000 * (time.perf_counter() - started_s),
        cfg_scale=cfg_scale,
    )


def cfg_scale_of(model: LoadedModel, order: SampleOrder) -> float | None:
    """By how much the way from the negative prompt's velocity to the prompt's is stretched; None is one row."""
    if order.true_cfg > 1 and order.negative_prompt is not None:
        return order.true_cfg
    return order.guidance if model.family.guides_by_two(model.pipeline, order.guidance) else None


def sigmas_to_take(model: LoadedModel, order: SampleOrder) -> Tensor:
    """The schedule (steps to take + 1,) from where the order's strength enters it."""
    config, tokens = model.pipeline.scheduler.config, num_tokens(order.width, order.height)
    whole = sigmas_of(config, order.steps, model.family.mu(config, tokens, order.steps))
    strength = None if order.inputs is None else order.inputs.strength
    return whole[first_step(order.steps, strength) :].clone()
