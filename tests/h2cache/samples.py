"""Tiny random transformers, requests for them, and runs through the library."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor

from h2cache import (
    FluxModel,
    Method,
    Outcome,
    SampleCache,
    StepInputs,
    StepRecord,
    denoise_step,
    flux_model,
    paper,
)

CHANNELS, TEXT_WIDTH, POOLED_WIDTH = 8, 12, 10


def tiny_transformer(
    seed: int = 0, *, double: int = 2, single: int = 3, guidance: bool = True, heads: int = 2, further: int = 0
) -> FluxTransformer2DModel:
    """Random weights of width 8 x heads; ``further`` channels come in behind the latents.

    The blocks' modulation is scaled up: as drawn, it hardly changes from step to step, and all distances would be
    near zero. So they spread over about 0.02 to 1, and every kind of step occurs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FluxTransformer2DModel(
            in_channels=CHANNELS + further,
            out_channels=CHANNELS,
            num_layers=double,
            num_single_layers=single,
            attention_head_dim=8,
            num_attention_heads=heads,
            joint_attention_dim=TEXT_WIDTH,
            pooled_projection_dim=POOLED_WIDTH,
            guidance_embeds=guidance,
            axes_dims_rope=(2, 2, 4),
        )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name and "linear" in name:
                weight.mul_(3.0)
    model.eval()
    return model


@dataclass(frozen=True)
class H2:
    """The numbers of H2-Cache's rule, for the library and for the oracle."""

    tau1: float
    tau2: float
    warmup: int = 0
    last_full: bool = False
    max_consecutive: int | None = None

    @property
    def method(self) -> Method:
        return paper(*astuple(self))


@dataclass(frozen=True)
class Family:
    """What a model takes: in ``inputs_of``'s steps, and in its own forward, which ``plain`` calls.

    ``axes`` of positions, ``further`` channels behind the latents', ``references`` as rows and columns of tokens.
    ``liveliness`` is how far a tiny model's samples move in a step, against those of FLUX.1 dev. ``exact`` is the
    widest type that the model runs in.
    """

    build: Callable[[], Any]
    plain: Callable[[Any, StepInputs], Tensor]
    axes: int = 4
    further: int = 0
    has_pooled: bool = False
    has_guidance: bool = False
    has_target: bool = False
    references: tuple[int, int] | None = None
    liveliness: float = 1.0
    exact: torch.dtype = torch.float64


def plain_flux1(transformer: FluxTransformer2DModel, given: StepInputs) -> Tensor:
    """What the transformer itself gives, as the pipelines cut it."""
    velocity: Tensor = transformer(
        hidden_states=given.image_stream,
        encoder_hidden_states=given.prompt_embeds,
        pooled_projections=given.pooled,
        timestep=given.timestep,
        guidance=given.guidance,
        img_ids=given.image_stream_ids,
        txt_ids=given.txt_ids,
        return_dict=False,
    )[0]
    return velocity[:, : given.latents.shape[1]]


DEV = Family(tiny_transformer, plain_flux1, axes=3, has_pooled=True, has_guidance=True)


@dataclass(frozen=True)
class Request:
    """One sample, to be denoised with plain Euler steps from t = 1 to 0."""

    settings: H2 | Method | None
    num_steps: int
    seed: int
    guidance: float | None = 3.5

    @property
    def method(self) -> Method | None:
        return self.settings.method if isinstance(self.settings, H2) else self.settings

    def latents(self, tokens: int, dtype: torch.dtype) -> Tensor:
        return self._draw(1, tokens, CHANNELS, dtype)

    def further(self, tokens: int, channels: int, dtype: torch.dtype) -> Tensor:
        return self._draw(4, tokens, channels, dtype)

    def references(self, tokens: int, dtype: torch.dtype) -> Tensor:
        return self._draw(5, tokens, CHANNELS, dtype)

    def text(self, tokens: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        return self._draw(2, tokens, TEXT_WIDTH, dtype), self._draw(3, POOLED_WIDTH, 1, dtype)[:, 0]

    def _draw(self, salt: int, rows: int, width: int, dtype: torch.dtype) -> Tensor:
        generator = torch.Generator().manual_seed(1000 * self.seed + salt)
        return torch.randn(rows, width, generator=generator).to(dtype)


@dataclass(frozen=True)
class Shape:
    """Image tokens as rows x columns, and text tokens."""

    rows: int
    columns: int
    text: int

    @property
    def image(self) -> int:
        return self.rows * self.columns

    def ids(self, axes: int = 3) -> tuple[Tensor, Tensor]:
        """Of image and text; on four axes the last one counts the text tokens."""
        texts = torch.zeros(self.text, axes)
        if axes == 4:
            texts[:, 3] = torch.arange(self.text)
        return grid_ids(self.rows, self.columns, axes), texts


def grid_ids(rows: int, columns: int, axes: int, first: int = 0) -> Tensor:
    """(rows * columns, axes), all with ``first`` on the first axis."""
    grid = torch.zeros(rows, columns, axes)
    grid[..., 0] = first
    grid[..., 1] = torch.arange(rows)[:, None]
    grid[..., 2] = torch.arange(columns)
    return grid.view(-1, axes)


@dataclass
class Running:
    """A request on its way through the library."""

    request: Request
    latents: Tensor
    cache: SampleCache
    records: list[StepRecord] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return len(self.records) == self.request.num_steps

    @property
    def outcomes(self) -> list[Outcome]:
        return [record.outcome for record in self.records]

    @property
    def letters(self) -> str:
        """One letter a step: f(ull), d(etail hit), s(tructure hit)."""
        return "".join(outcome.value[0] for outcome in self.outcomes)


def start(request: Request, shape: Shape, dtype: torch.dtype = torch.float32) -> Running:
    cache = SampleCache.start(request.method, request.num_steps)
    return Running(request, request.latents(shape.image, dtype), cache)


def inputs_of(batch: Sequence[Running], shape: Shape, family: Family = DEV) -> StepInputs:
    """The next step of samples of one shape."""
    dtype = batch[0].latents.dtype
    texts = [running.request.text(shape.text, dtype) for running in batch]
    img_ids, txt_ids = shape.ids(family.axes)
    guidances = [running.request.guidance if family.has_guidance else None for running in batch]
    return with_images(
        StepInputs(
            latents=torch.stack([running.latents for running in batch]),
            prompt_embeds=torch.stack([tokens for tokens, _ in texts]),
            pooled=torch.stack([vector for _, vector in texts]) if family.has_pooled else None,
            timestep=torch.tensor([_level(running, 0) for running in batch], dtype=dtype),
            guidance=torch.tensor(guidances, dtype=dtype) if None not in guidances else None,
            img_ids=img_ids,
            txt_ids=txt_ids,
            grid=(shape.rows, shape.columns),
            target_timestep=torch.tensor([_level(running, 1) for running in batch], dtype=dtype)
            if family.has_target
            else None,
        ),
        batch,
        family,
    )


def with_images(inputs: StepInputs, batch: Sequence[Running], family: Family) -> StepInputs:
    """The inputs with what else of images the family takes, each sample's own."""
    requests, dtype = [running.request for running in batch], inputs.latents.dtype
    if family.further:
        tokens = inputs.latents.shape[1]
        further = [request.further(tokens, family.further, dtype) for request in requests]
        inputs = replace(inputs, further=torch.stack(further))
    if family.references is not None:
        rows, columns = family.references
        references = [request.references(rows * columns, dtype) for request in requests]
        ids = grid_ids(rows, columns, family.axes, first=10)
        inputs = replace(inputs, references=torch.stack(references), reference_ids=ids)
    return inputs


def _level(running: Running, ahead: int) -> float:
    return 1 - (len(running.records) + ahead) / running.request.num_steps


def advance(model: FluxModel, batch: Sequence[Running], shape: Shape, family: Family = DEV) -> None:
    """One step of all of them in one batch."""
    result = denoise_step(model, inputs_of(batch, shape, family), [running.cache for running in batch])
    for i, running in enumerate(batch):
        running.latents = running.latents - result.velocity[i] / running.request.num_steps
        running.cache = result.caches[i]
        running.records.append(result.records[i])


def run_together(
    model: FluxModel,
    requests: Sequence[Request],
    shape: Shape,
    dtype: torch.dtype = torch.float32,
    family: Family = DEV,
) -> list[Running]:
    """All from their first step on; the shorter ones leave the batch earlier."""
    samples = [start(request, shape, dtype) for request in requests]
    while active := [sample for sample in samples if not sample.is_done]:
        advance(model, active, shape, family)
    return samples


def run_alone(
    model: FluxModel,
    request: Request,
    shape: Shape,
    dtype: torch.dtype = torch.float32,
    family: Family = DEV,
) -> Running:
    (running,) = run_together(model, [request], shape, dtype, family)
    return running


def shared_model() -> tuple[FluxTransformer2DModel, FluxModel]:
    """A transformer in float64 and its view, to be held against the oracle."""
    transformer = tiny_transformer().double()
    return transformer, flux_model(transformer)
