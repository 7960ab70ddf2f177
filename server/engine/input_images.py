"""From an order's input images to what its steps need of them; each as diffusers' pipelines do it."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from server.engine.interface import InputImages, SampleOrder
from server.engine.loader import LoadedModel
from server.request import ImageInput


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of an image: its latents and the sample's noise (T, C), and where it is redrawn.

    ``mask`` (T, C), or (T, 1) for whole tokens: 1 where it is redrawn.
    """

    image: Tensor
    noise: Tensor
    mask: Tensor

    def put_back(self, latents: Tensor, sigma: Tensor) -> Tensor:
        """The latents (T, C) after a step with the image, as noisy as ``sigma`` () says, where it stays."""
        return (1 - self.mask) * noised(self.image, self.noise, sigma) + self.mask * latents


@dataclass(frozen=True, slots=True)
class Given:
    """What each step of a sample is told of its input images; nothing, where there are none.

    ``references`` (R, C) are images to go by, ``further`` (T, C') channels behind the latents'.
    """

    kept: Kept | None = None
    references: Tensor | None = None
    further: Tensor | None = None

    @property
    def num_references(self) -> int:
        """R, tokens of reference images."""
        return 0 if self.references is None else len(self.references)

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        tensors = [self.references, self.further]
        if self.kept is not None:
            tensors += [self.kept.image, self.kept.noise, self.kept.mask]
        return sum(tensor.nbytes for tensor in tensors if tensor is not None)


def noised(image: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """Latents on the way from an image to noise, in their dtype as the scheduler's ``scale_noise``."""
    level = sigma.to(image.dtype)
    return level * noise + (1.0 - level) * image


def begin(model: LoadedModel, order: SampleOrder, first_sigma: Tensor) -> tuple[Tensor, Given]:
    """The latents (T, C) that the first step is given, and what each step is told besides.

    Images are encoded and noise is drawn in the order in which the pipelines use a generator.

    At full strength and without a mask nothing of the image is left at the first step: it is not encoded, and the
    noise is that of a generation with the same seed.
    """
    family, inputs = model.family, order.inputs
    generator = torch.Generator().manual_seed(order.seed)
    size = order.width, order.height
    if inputs is None:
        return _noise(model, generator, size), Given()
    vae = model.pipeline.vae
    pixels = [to_pixels(image).to(model.device, model.dtype) for image in inputs.images]
    mask = None if inputs.mask is None else to_mask(inputs.mask)
    image = None
    if _starts_from_image(inputs, first_sigma):
        image = family.encode_image(vae, pixels[0], generator)
    noise = _noise(model, generator, size)
    latents = noise if image is None else noised(image, noise, first_sigma.to(model.device))
    references = further = kept = None
    if family.image_input is ImageInput.REFERENCE:
        references = torch.cat([family.encode_image(vae, each, None) for each in pixels])
    if family.image_input is ImageInput.FILL:
        further = family.further(vae, pixels[0], _given(mask), generator)
    elif mask is not None and image is not None:
        kept = Kept(image, noise, family.pack_mask(mask, model.flux.channels).to(model.device, model.dtype))
    return latents, Given(kept, references, further)


def to_pixels(png: bytes) -> Tensor:
    """(1, 3, H, W) from -1 to 1, channels last in memory as in VaeImageProcessor: convolutions round by that."""
    pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=np.float32) / 255.0
    return 2.0 * torch.from_numpy(pixels[None].transpose(0, 3, 1, 2)) - 1.0


def to_mask(png: bytes) -> Tensor:
    """(1, 1, H, W): 1 where the image is redrawn, 0 where it stays."""
    gray = np.asarray(Image.open(BytesIO(png)).convert("L"), dtype=np.float32)
    return torch.from_numpy((gray >= 128).astype(np.float32)[None, None])


def _starts_from_image(inputs: InputImages, first_sigma: Tensor) -> bool:
    # On the CPU, where the schedule is.
    return inputs.strength is not None and (inputs.mask is not None or float(first_sigma) < 1.0)


def _noise(model: LoadedModel, generator: torch.Generator, size: tuple[int, int]) -> Tensor:
    noise = model.family.draw_noise(generator, model.flux.channels, *size, model.dtype)
    return noise.to(model.device)


def _given(mask: Tensor | None) -> Tensor:
    if mask is None:
        raise ValueError("a model that fills in needs a mask")
    return mask
