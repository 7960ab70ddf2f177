"""The batch of one step: a view that is gathered from samples and dropped after the step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from h2cache import StepInputs, StepResult, denoise_step
from h2cache.transfer import send, upload
from server.engine.latents import grid, image_ids
from server.engine.loader import LoadedModel
from server.engine.sample import Sample


@dataclass(frozen=True)
class Batch:
    """Samples of one shape and the inputs made of them; ``deltas`` (B, 1, 1) is the step in sigma of each."""

    samples: Sequence[Sample]
    inputs: StepInputs
    deltas: Tensor


def gather(model: LoadedModel, samples: Sequence[Sample]) -> Batch:
    """Stack what the samples own; each is at a step of its own."""
    device, dtype = model.device, model.dtype
    now = send(torch.stack([sample.sigmas[sample.step] for sample in samples]), device)
    after = send(torch.stack([sample.sigmas[sample.step + 1] for sample in samples]), device)
    # FluxPipeline hands the timestep over as sigma * 1000 in the model's dtype, divided by 1000.
    timestep = (now * 1000).to(dtype) / 1000
    guidance = upload([sample.order.guidance for sample in samples], torch.float32, device)
    embeds = torch.stack([sample.embedding.tokens for sample in samples])
    inputs = StepInputs(
        latents=torch.stack([sample.latents for sample in samples]),
        prompt_embeds=embeds,
        pooled=torch.stack([sample.embedding.pooled for sample in samples]),
        timestep=timestep,
        guidance=guidance if model.takes_guidance else None,
        img_ids=image_ids(*samples[0].shape, device, dtype),
        txt_ids=torch.zeros(embeds.shape[1], 3, device=device, dtype=dtype),
        grid=grid(*samples[0].shape),
    )
    return Batch(samples, inputs, (after - now)[:, None, None])


def denoise(model: LoadedModel, batch: Batch) -> StepResult:
    """One step under the cache; the samples are not changed."""
    return denoise_step(model.flux, batch.inputs, [sample.cache for sample in batch.samples])


def scatter(batch: Batch, result: StepResult) -> None:
    """Euler, then each sample gets its own latents and state back.

    As in diffusers' scheduler the change is computed in the model's dtype and added in float32.
    """
    change = batch.deltas.to(result.velocity.dtype) * result.velocity
    latents = batch.inputs.latents.float() + change
    latents = latents.to(batch.inputs.latents.dtype)
    for sample, row, cache in zip(batch.samples, latents, result.caches, strict=True):
        sample.latents, sample.cache = row.clone(), cache
