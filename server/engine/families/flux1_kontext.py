"""FLUX.1 Kontext: what FluxKontextPipeline does, and with a mask FluxKontextInpaintPipeline."""

from typing import Any

import torch
from diffusers import FluxKontextPipeline
from torch import Tensor

from server.engine.families.flux1 import Flux1
from server.request import ImageInput


class Flux1Kontext(Flux1):
    """The input image is a row of tokens behind those of the image that is made."""

    pipeline_class: Any = FluxKontextPipeline
    image_input = ImageInput.REFERENCE

    def encode_image(self, vae: Any, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        """Always the mode."""
        return super().encode_image(vae, pixels, None)
