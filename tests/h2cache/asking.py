"""The oracle's own run of a request."""

from dataclasses import astuple, dataclass, field

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor

from tests.h2cache.oracle import Oracle
from tests.h2cache.samples import H2, Request, Shape


@dataclass
class Said:
    """What the oracle says of a request."""

    latents: Tensor
    outcomes: list[str] = field(default_factory=list)
    distances: list[tuple[float | None, float | None]] = field(default_factory=list)


@torch.no_grad()
def ask_oracle(transformer: FluxTransformer2DModel, request: Request, shape: Shape, dtype: torch.dtype) -> Said:
    settings = request.settings or H2(0.0, 0.0)
    assert isinstance(settings, H2)
    oracle = Oracle(transformer, request.num_steps, *astuple(settings))  # type: ignore[no-untyped-call]  # plain formulas
    said = Said(request.latents(shape.image, dtype))
    tokens, vector = request.text(shape.text, dtype)
    guidance = None if request.guidance is None else torch.tensor([request.guidance], dtype=dtype)
    for step in range(request.num_steps):
        t = torch.tensor([1 - step / request.num_steps], dtype=dtype)
        velocity, outcome, d1, d2 = oracle(
            said.latents[None], tokens[None], vector[None], t, guidance, *shape.ids()
        )
        said.latents = said.latents - velocity[0] / request.num_steps
        said.outcomes.append(outcome)
        said.distances.append((d1, d2))
    return said
