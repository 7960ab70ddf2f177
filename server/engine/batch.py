"""The batch of one step: a view that is gathered from samples and dropped after the step."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from h2cache import StepInputs, StepResult, denoise_step
from h2cache.family import pick
from h2cache.transfer import send, upload
from server.engine.latents import grid
from server.engine.loader import LoadedModel
from server.engine.sample import Sample


@dataclass(frozen=True)
class Batch:
    """Samples of one shape and the inputs made of them, whose rows are those of the samples in order.

    ``latents`` (N, T, C) are the samples', ``after`` (N,) the sigmas that they step to and ``deltas`` (N, 1, 1)
    the way there.
    """

    samples: Sequence[Sample]
    inputs: StepInputs
    latents: Tensor
    after: Tensor
    deltas: Tensor


def gather(model: LoadedModel, samples: Sequence[Sample]) -> Batch:
    """Stack what the samples own; each is at a step of its own."""
    device, dtype = model.device, model.dtype
    now = send(torch.stack([sample.sigmas[sample.step] for sample in samples]), device)
    after = send(torch.stack([sample.sigmas[sample.step + 1] for sample in samples]), device)
    latents = torch.stack([sample.latents for sample in samples])
    rows = [(place, embedding) for place, sample in enumerate(samples) for embedding in sample.embeddings]
    places = [place for place, _ in rows]
    pooled = [embedding.pooled for _, embedding in rows if embedding.pooled is not None]
    guidance = upload([samples[place].order.guidance for place in places], torch.float32, device)
    width, height, text_tokens, num_references = samples[0].shape
    num_images = num_references // latents.shape[1]
    inputs = StepInputs(
        latents=_spread(latents, places),
        prompt_embeds=torch.stack([embedding.tokens for _, embedding in rows]),
        pooled=torch.stack(pooled) if pooled else None,
        # The pipelines hand the timestep over as sigma * 1000 in the model's dtype, divided by 1000.
        timestep=_spread((now * 1000).to(dtype) / 1000, places),
        guidance=guidance if model.takes_guidance else None,
        img_ids=model.family.image_ids(width, height, device),
        txt_ids=model.family.text_ids(text_tokens, device),
        grid=grid(width, height),
        further=_stacked([samples[place].given.further for place in places]),
        references=_stacked([samples[place].given.references for place in places]),
        reference_ids=model.family.reference_ids(width, height, num_images, device) if num_images else None,
        sigmas=tuple(samples[place].sigma for place in places),
    )
    return Batch(samples, inputs, latents, after, (after - now)[:, None, None])


def denoise(model: LoadedModel, batch: Batch) -> StepResult:
    """One step under the cache; the samples are not changed."""
    return denoise_step(model.flux, batch.inputs, [cache for sample in batch.samples for cache in sample.caches])


def scatter(batch: Batch, result: StepResult) -> None:
    """Euler, then each sample gets its own latents and states back.

    As in diffusers' scheduler the change is computed in the model's dtype and added in float32. What stays of an
    image that is redrawn in part is put back, as noisy as the next step has it.
    """
    velocity = guided(batch.samples, result.velocity)
    change = batch.deltas.to(velocity.dtype) * velocity
    latents = (batch.latents.float() + change).to(batch.latents.dtype)
    caches, records = iter(result.caches), iter(result.records)
    for sample, row, of_row, sigma in zip(batch.samples, latents, velocity, batch.after, strict=True):
        kept = sample.given.kept
        sample.latents = row.clone() if kept is None else kept.put_back(row, sigma)
        sample.outcomes = tuple(next(records).outcome.value for _ in sample.caches)
        sample.caches = tuple(next(caches) for _ in sample.caches)
        sample.velocity = of_row.clone() if sample.is_preview_due else None
        sample.is_ahead = None


def guided(samples: Sequence[Sample], rows: Tensor) -> Tensor:
    """One velocity a sample (N, T, C) of one a row: where there are two, away from the negative prompt's."""
    if len(rows) == len(samples):
        return rows
    velocities, start = [], 0
    for sample in samples:
        of_sample = rows[start : start + len(sample.caches)]
        start += len(of_sample)
        velocity = of_sample[-1]
        if sample.cfg_scale is not None:
            velocity = velocity + sample.cfg_scale * (of_sample[0] - velocity)
        velocities.append(velocity)
    return torch.stack(velocities)


def _stacked(rows: Sequence[Tensor | None]) -> Tensor | None:
    """What all samples of a shape have, or none of them."""
    tensors = [row for row in rows if row is not None]
    return torch.stack(tensors) if tensors else None


def _spread(of_samples: Tensor, places: Sequence[int]) -> Tensor:
    """A row for each of the places, which are in order; the tensor itself where each sample has one."""
    return of_samples if len(places) == len(of_samples) else pick(of_samples, places)
