"""Latents to an image file."""

from io import BytesIO

import torch
from PIL import Image
from torch import Tensor

from server.engine.latents import unpack
from server.engine.loader import LoadedModel
from server.request import OutputFormat


class NonFiniteImage(ArithmeticError):
    """The model's numbers overflowed on the way."""


@torch.inference_mode()
def decode(model: LoadedModel, latents: Tensor, width: int, height: int) -> Image.Image:
    """(T, 4 C) to pixels, as FluxPipeline does for one image. Raises NonFiniteImage rather than paint black."""
    vae = model.pipeline.vae
    scaled = unpack(latents, width, height) / vae.config.scaling_factor + vae.config.shift_factor
    decoded = vae.decode(scaled, return_dict=False)[0]
    if not torch.isfinite(decoded).all():
        raise NonFiniteImage("the image has pixels that are not finite")
    # In the model's dtype, as VaeImageProcessor does it.
    unit = (decoded[0] * 0.5 + 0.5).clamp(0, 1).cpu().permute(1, 2, 0).float()
    return Image.fromarray((unit.numpy() * 255).round().astype("uint8"))


def encode(image: Image.Image, output_format: OutputFormat, compression: int) -> bytes:
    """The file's bytes. ``compression`` 0-100 is the quality of JPEG and WebP; PNG loses nothing anyway."""
    buffer = BytesIO()
    if output_format is OutputFormat.PNG:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, output_format.value.upper(), quality=compression)
    return buffer.getvalue()
