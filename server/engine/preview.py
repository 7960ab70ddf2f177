"""Previews: what a sample's image would be if the rest of its way were straight."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from server.engine.device_error import fault_of, is_device_lost
from server.engine.interface import SamplePreviewed
from server.engine.loader import LoadedModel
from server.engine.preview_steps import number_of
from server.engine.sample import Sample


@dataclass(frozen=True)
class Preview:
    """Preview ``number`` of a sample, taken after a step: its ``velocity`` (T, C) led to the sample's latents.

    ``sample`` is a copy, whose fields nobody changes; the tensors are shared, and each step makes new ones.
    """

    number: int
    sample: Sample
    velocity: Tensor


def take_preview(sample: Sample) -> Preview | None:
    """The one that is due after the sample's last step, by reference: it costs the step loop nothing."""
    number = number_of(sample.step, sample.num_steps, sample.order.partial_images)
    if number is None or sample.velocity is None:
        return None
    caches = tuple(cache.without_tensors() for cache in sample.caches)
    return Preview(number, replace(sample, caches=caches), sample.velocity)


@torch.inference_mode()
def clean_latents(preview: Preview) -> Tensor:
    """(T, C): x - sigma * v, where x has the noise level sigma and v points from the image to the noise."""
    sample = preview.sample
    # The levels are on the CPU: reading one waits for no device.
    sigma = float(sample.sigmas[sample.step])
    return (sample.latents.float() - sigma * preview.velocity.float()).to(sample.latents.dtype)


def show(
    model: LoadedModel, preview: Preview, decode_image: Callable[[LoadedModel, Sample], bytes]
) -> SamplePreviewed:
    """Decode and encode as a finished sample is. Raises DeviceFault, and what decoding raises."""
    sample = replace(preview.sample, latents=clean_latents(preview))
    try:
        content = decode_image(model, sample)
    except Exception as error:
        if is_device_lost(error):
            raise fault_of(error, sample.order.sample_id) from error
        raise
    return SamplePreviewed(sample.order.sample_id, preview.number, content)
