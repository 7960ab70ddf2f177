"""What the engine has to know of a model family: the seam between the step loop and diffusers' pipelines."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from server.engine.embedding import Embedding
from server.request import ImageInput


class Family(Protocol):
    """From a prompt to a step's inputs, and from latents to what the VAE decodes; each as the pipeline does it.

    ``pipeline`` is always an instance of ``pipeline_class``.
    """

    @property
    def pipeline_class(self) -> Any:
        """The pipeline of diffusers; its name is in a folder's model_index.json."""
        ...

    @property
    def transformer_class(self) -> Any:
        """The transformer of diffusers."""
        ...

    @property
    def encoders(self) -> Mapping[str, Any]:
        """Text encoders by the folders that they are in, and their classes; None leaves one out."""
        ...

    @property
    def other_parts(self) -> Sequence[str]:
        """What else has to be in a folder."""
        ...

    @property
    def image_input(self) -> ImageInput:
        """How the model takes an input image."""
        ...

    def encode(self, pipeline: Any, prompt: str, text_length: int) -> Embedding:
        """The prompt's embedding, by one thread at a time. Raises UnknownPrompt where there is no text encoder."""
        ...

    def embeds_guidance(self, pipeline: Any) -> bool:
        """True where guidance is an input of the transformer."""
        ...

    def guides_by_two(self, pipeline: Any, guidance: float) -> bool:
        """True where each step takes a second row, that of the empty prompt (classifier-free guidance)."""
        ...

    def mu(self, config: Mapping[str, Any], img_tokens: int, steps: int) -> float:
        """How far the schedule is shifted; ``config`` is the scheduler's."""
        ...

    def draw_noise(
        self, generator: torch.Generator, channels: int, width: int, height: int, dtype: torch.dtype
    ) -> Tensor:
        """(T, ``channels``): what the pipeline draws next for one image from a CPU generator."""
        ...

    def image_ids(self, width: int, height: int, device: torch.device) -> Tensor:
        """(T, A): the positions of image tokens, made on the device, where nobody waits for them."""
        ...

    def text_ids(self, tokens: int, device: torch.device) -> Tensor:
        """(S, A): those of text tokens."""
        ...

    def encode_image(self, vae: Any, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
        """(1, 3, H, W) from -1 to 1 -> (T, C), the opposite of ``to_vae`` and decoding.

        Where the VAE gives a distribution, FLUX.1's pipelines draw from it to start from an image; without a
        generator, and in the other families, it is the mode.
        """
        ...

    def pack_mask(self, mask: Tensor, channels: int) -> Tensor:
        """(1, 1, H, W) -> (T, ``channels``) or (T, 1), between 0 and 1."""
        ...

    def reference_ids(self, width: int, height: int, count: int, device: torch.device) -> Tensor:
        """(R, A): the positions of ``count`` reference images of one size, one after the other."""
        ...

    def further(self, vae: Any, pixels: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor | None:
        """(T, C'): what a model that fills in is told of the image (1, 3, H, W) and the mask (1, 1, H, W).

        None of any other model.
        """
        ...

    def to_vae(self, vae: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """(T, C) -> (1, c, H / 8, W / 8) in the VAE's scale."""
        ...
