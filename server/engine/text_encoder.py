"""Prompts to embeddings, the recent ones remembered within a bound of bytes."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor

from server.engine.loader import LoadedModel


@dataclass(frozen=True, slots=True)
class Embedding:
    """One prompt: T5's states (S, E), CLIP's pooled vector (P,), and its length in tokens without padding."""

    tokens: Tensor
    pooled: Tensor
    num_tokens: int

    @property
    def nbytes(self) -> int:
        """Bytes of both tensors."""
        return self.tokens.nbytes + self.pooled.nbytes


class TextEncoder:
    """Used by one thread. The least recently used embeddings go first."""

    def __init__(self, model: LoadedModel, text_length: int, cache_bytes: int) -> None:
        self._model, self._text_length, self._cache_bytes = model, text_length, cache_bytes
        self._recent: OrderedDict[str, Embedding] = OrderedDict()
        self.held_bytes = 0

    @torch.inference_mode()
    def encode(self, prompt: str) -> Embedding:
        """As FluxPipeline with ``max_sequence_length`` at the profile's text length."""
        known = self._recent.get(prompt)
        if known is not None:
            self._recent.move_to_end(prompt)
            return known
        pipeline = self._model.pipeline
        tokens, pooled, _ = pipeline.encode_prompt(
            prompt, prompt_2=None, device=self._model.device, max_sequence_length=self._text_length
        )
        ids = pipeline.tokenizer_2(prompt, truncation=True, max_length=self._text_length).input_ids
        embedding = Embedding(tokens[0], pooled[0], len(ids))
        self._remember(prompt, embedding)
        return embedding

    def _remember(self, prompt: str, embedding: Embedding) -> None:
        if embedding.nbytes > self._cache_bytes:
            return
        self._recent[prompt] = embedding
        self.held_bytes += embedding.nbytes
        while self.held_bytes > self._cache_bytes:
            _, oldest = self._recent.popitem(last=False)
            self.held_bytes -= oldest.nbytes
