"""Requests for tiny models, and runs of them through the library."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace

import torch
from torch import Tensor

from h2cache import FluxModel, Method, Outcome, SampleCache, StepInputs, StepRecord, denoise_step, paper
from tests.h2cache.models import CHANNELS, DEV, POOLED_WIDTH, TEXT_WIDTH, Family


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


SHAPE = Shape(4, 5, 3)
"""Where any would do: no two numbers alike, so that none is taken for another."""


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
