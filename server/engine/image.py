"""Latents to an image file."""

from io import BytesIO

import torch
from PIL import Image
from torch import Tensor

from server.engine.loader import LoadedModel
from server.request import OutputFormat


class NonFiniteImage(ArithmeticError):
    """The model's numbers overflowed on the way."""


@torch.inference_mode()
def decode(model: LoadedModel, latents: Tensor, width: int, height: int) -> Image.Image:
    """(T, C) to pixels, as the pipeline does for one image. Raises NonFiniteImage rather than paint black."""
    vae = model.pipeline.vae
    decoded = vae.decode(model.family.to_vae(vae, latents, width, height), return_dict=False)[0]
    if not torch.isfinite(decoded).all():
        raise NonFiniteImage("the image has pixels that are not finite")
    # In the model's dtype, as VaeImageProcessor does it.
    unit = (decoded[0] * 0.5 + 0.5).clamp(0, 1).cpu().permute(1, 2, 0).float()
    return Image.fromarray((unit.numpy() * 255).round().astype("uint8"))


def encode(image: Image.Image, output_format: OutputFormat, compression: int, exif: bytes = b"") -> bytes:
    """The file's bytes. ``compression`` 0-100 is the quality of JPEG and WebP; PNG loses nothing anyway."""
    buffer = BytesIO()
    if output_format is OutputFormat.PNG:
        image.save(buffer, "PNG", exif=exif)
    else:
        image.save(buffer, output_format.value.upper(), quality=compression, exif=exif)
    return buffer.getvalue()
