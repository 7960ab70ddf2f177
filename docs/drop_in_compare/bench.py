"""Calls of one library's cache, on fresh transformers and on used ones."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from docs.drop_in_compare.libraries import LOW, Level, Library
from tests.drop_in.pipes import Parts, latents, lively_transformer


class NothingReused(Exception):
    """The scenario would say nothing."""


@dataclass
class Bench:
    """Calls of one library."""

    library: Library
    parts: Parts

    def fresh(self, level: Level = LOW) -> Any:
        """A transformer that nobody has used."""
        return self.library.wrap(lively_transformer(), level)

    def pipeline(self, transformer: Any, level: Level = LOW, kind: str = "text_to_image") -> Any:
        made = getattr(self.parts, kind)(transformer)
        self.library.join(made, level)
        return made

    def call(self, pipeline: Any, level: Level = LOW, **more: Any) -> Tensor:
        return latents(pipeline, self.library.said(level), **more)

    def alone(self, level: Level = LOW, kind: str = "text_to_image", **more: Any) -> Tensor:
        """Raises NothingReused where the cache has no part in the image."""
        cached = self.call(self.pipeline(self.fresh(level), level, kind), level, **more)
        if torch.equal(cached, latents(getattr(Parts.tiny(), kind)(lively_transformer()), **more)):
            raise NothingReused
        return cached
