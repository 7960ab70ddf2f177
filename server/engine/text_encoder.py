"""Prompts to embeddings, the recent ones remembered within a bound of bytes."""

from collections import OrderedDict

import torch

from server.engine.embedding import Embedding
from server.engine.interface import Observer, TextEncoded
from server.engine.loader import LoadedModel


class TextEncoder:
    """Used by one thread. The least recently used embeddings go first."""

    def __init__(
        self, model: LoadedModel, text_length: int, cache_bytes: int, observe: Observer = lambda fact: None
    ) -> None:
        self._observe = observe
        self._model, self._text_length, self._cache_bytes = model, text_length, cache_bytes
        self._recent: OrderedDict[tuple[str, int], Embedding] = OrderedDict()
        self.held_bytes = 0

    @torch.inference_mode()
    def encode(self, prompt: str, text_length: int | None = None) -> Embedding:
        """As the pipeline with ``max_sequence_length`` at ``text_length``, or at the profile's."""
        key = prompt, text_length or self._text_length
        known = self._recent.get(key)
        self._observe(TextEncoded(was_known=known is not None))
        if known is not None:
            self._recent.move_to_end(key)
            return known
        with self._model.reading:
            embedding = self._model.family.encode(self._model.pipeline, *key)
        self._remember(key, embedding)
        return embedding

    def _remember(self, key: tuple[str, int], embedding: Embedding) -> None:
        if embedding.nbytes > self._cache_bytes:
            return
        self._recent[key] = embedding
        self.held_bytes += embedding.nbytes
        while self.held_bytes > self._cache_bytes:
            _, oldest = self._recent.popitem(last=False)
            self.held_bytes -= oldest.nbytes
