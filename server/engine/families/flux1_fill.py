"""FLUX.1 Fill: what FluxFillPipeline does."""

from typing import Any

import torch
from diffusers import FluxFillPipeline
from torch import Tensor

from server.engine.families.flux1 import Flux1, pack
from server.request import ImageInput

PIXELS_A_SIDE = 8
"""Of an image, for each pixel of its latents: the mask's 64 become channels."""


class Flux1Fill(Flux1):
    """The image without what is to be redrawn, and the mask, are channels behind the latents'."""

    pipeline_class: Any = FluxFillPipeline
    image_input = ImageInput.FILL

    def further(self, vae: Any, pixels: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """The masked image's latents, drawn as the pipeline draws them, then every pixel of the mask."""
        hole = mask.to(pixels.device, pixels.dtype)
        masked = self.encode_image(vae, pixels * (1 - hole), generator)
        rows, columns = (side // PIXELS_A_SIDE for side in hole.shape[-2:])
        blocks = hole.view(rows, PIXELS_A_SIDE, columns, PIXELS_A_SIDE).permute(1, 3, 0, 2)
        return torch.cat([masked, pack(blocks.reshape(1, -1, rows, columns))], 1)
