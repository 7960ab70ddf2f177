"""What the engine has to know of a model family: the seam between the step loop and diffusers' pipelines."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from server.engine.embedding import Embedding


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

    def encode(self, pipeline: Any, prompt: str, text_length: int) -> Embedding:
        """The prompt's embedding. Raises UnknownPrompt where there is no text encoder.

        A fast tokenizer remembers the padding of its last call, so that one with other padding than the pipeline's
        would change what another engine on the same pipeline reads.
        """
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

    def draw_noise(self, seed: int, channels: int, width: int, height: int, dtype: torch.dtype) -> Tensor:
        """(T, ``channels``): what the pipeline draws for one image with a CPU generator of that seed."""
        ...

    def image_ids(self, width: int, height: int, device: torch.device) -> Tensor:
        """(T, A): the positions of image tokens, made on the device, where nobody waits for them."""
        ...

    def text_ids(self, tokens: int, device: torch.device) -> Tensor:
        """(S, A): those of text tokens."""
        ...

    def to_vae(self, vae: Any, latents: Tensor, width: int, height: int) -> Tensor:
        """(T, C) -> (1, c, H / 8, W / 8) in the VAE's scale."""
        ...
