"""The main stage: transformer, text encoders and reader trained on the flow-matching task."""

import copy
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nano.bank import Bank
from nano.curve import Curve
from nano.flow import Noised, add_noise
from nano.flux import Float32Attention, Trainee, build_flux, image_ids
from nano.run import AveragedRun, decay, train_for, warm_up
from nano.settings import FluxSettings
from nano.shapes import SHAPES
from nano.text import TextEncoders, TextIds
from nano.words import WordReader, word_loss

ARTICLE_SWAPS = 0.3

Compiler = Callable[[nn.Module], Callable[..., Any]]
"""torch.compile, or the identity where compiling would take longer than the run."""


class Model(nn.Module):
    """What is trained together."""

    def __init__(self, settings: FluxSettings) -> None:
        super().__init__()
        self.text = TextEncoders()
        self.words = WordReader()
        self.trainee = Trainee(build_flux(settings))


def new_run(settings: FluxSettings) -> AveragedRun[Model]:
    """An untrained run from a fixed seed."""
    torch.manual_seed(0)
    model = Model(settings)
    model.trainee.flux.set_attn_processor(Float32Attention())
    average = copy.deepcopy(model).requires_grad_(False)
    return AveragedRun(
        model=model,
        average=average,
        optimizers=optimizers(model, settings.muon_rate, settings.adam_rate),
        generator=torch.Generator().manual_seed(0),
    )


def optimizers(
    model: nn.Module, muon_rate: float, adam_rate: float
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the matrices of the transformer's blocks but the modulation, AdamW for all the rest."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        in_block = "transformer_blocks" in name
        is_modulation = ".norm" in name
        (matrices if in_block and parameter.ndim == 2 and not is_modulation else rest).append(parameter)
    muon = torch.optim.Muon(matrices, lr=muon_rate, weight_decay=0.02)
    return muon, torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.98), weight_decay=0.01)


def set_rates(run: AveragedRun[Model], rates: Sequence[float], factor: float) -> None:
    """The learning rates of Muon and AdamW, both times a factor."""
    for optimizer, rate in zip(run.optimizers, rates, strict=True):
        optimizer.param_groups[0]["lr"] = rate * factor


def train_base(
    run: AveragedRun[Model],
    banks: Sequence[Bank],
    settings: FluxSettings,
    word_weight: float,
    seconds: float,
    folder: Path,
    compiler: Compiler,
) -> None:
    """Train until `seconds` are done; the first bank is the main size, and only it is compiled."""
    compiled = compiler(run.model.trainee)
    rates = (settings.muon_rate, settings.adam_rate)

    def step(done: float) -> float:
        set_rates(run, rates, warm_up(run.step, 50) * decay(done, settings.hold))
        bank = choose_bank(banks, done, settings, run.generator)
        trainee = compiled if bank is banks[0] else run.model.trainee
        return train_step(run, trainee, bank, settings, word_weight)

    train_for(run, seconds, folder / "base.pt", Curve(folder / "curve.csv", "base"), step)


def choose_bank(banks: Sequence[Bank], done: float, settings: FluxSettings, generator: torch.Generator) -> Bank:
    """The main size; in the second half now and then another one."""
    draw = float(torch.rand((), generator=generator))
    if done < 0.5 or draw >= settings.other_size_share or len(banks) == 1:
        return banks[0]
    return banks[1 + int(torch.randint(len(banks) - 1, (), generator=generator))]


def train_step(
    run: AveragedRun[Model],
    trainee: Callable[..., Any],
    bank: Bank,
    settings: FluxSettings,
    word_weight: float,
) -> float:
    """One optimizer step on rows drawn from the bank; returns the velocity loss."""
    rows = torch.randint(len(bank), (settings.batch,), generator=run.generator)
    task = add_noise(bank.latents[rows].float(), run.generator)
    drop = torch.rand(len(rows), 1, generator=run.generator) < settings.text_dropout
    text = pick_text(bank, rows, drop, run.generator)
    tokens, pooled = run.model.text(text)
    guidance = torch.ones(len(rows))
    with torch.autocast("cpu", torch.bfloat16):
        velocity, logits = trainee(
            task.x, tokens, pooled, task.sigma, guidance, image_ids(bank.rows, bank.columns)
        )
    labels = bank.labels[rows].long()
    mse = velocity_loss(velocity.float(), task, labels, settings.object_weight)
    about = torch.where(drop[..., None], 0, bank.words[rows].long())
    loss = mse + settings.reader_weight * reader_loss(logits.float(), labels)
    loss = loss + word_weight * word_loss(run.model.words(tokens), about)
    for optimizer in run.optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    for optimizer in run.optimizers:
        optimizer.step()
    follow(run.average, run.model, min(settings.ema, (run.step + 1) / (run.step + 21)))
    return float(F.mse_loss(velocity.detach().float(), task.velocity))


def pick_text(bank: Bank, rows: Tensor, drop: Tensor, generator: torch.Generator) -> TextIds:
    """The rows' prompts, some with swapped articles, and empty where ``drop`` B 1 is true."""
    own, other, empty = bank.text.rows(rows), bank.other_article.rows(rows), bank.empty
    some = torch.rand(len(rows), 1, generator=generator) < ARTICLE_SWAPS
    each = torch.rand(own.t5.shape, generator=generator) < 0.5
    swap = some & each  # each article by itself: a client may have one right and another wrong

    def pick(own: Tensor, other: Tensor, empty: Tensor, swap: Tensor) -> Tensor:
        return torch.where(drop, empty, torch.where(swap, other, own))

    # CLIP's tokens stand one further on, behind its start mark.
    clip = pick(own.clip, other.clip, empty.clip, swap.roll(1, dims=1))
    return TextIds(pick(own.t5, other.t5, empty.t5, swap), clip)


def velocity_loss(velocity: Tensor, task: Noised, labels: Tensor, object_weight: float) -> Tensor:
    """Mean squared error of B T 64, tokens that show a thing weighted up."""
    weight = torch.where(labels[..., 0] > 0, object_weight, 1.0)
    error = (velocity - task.velocity).square().mean(-1)
    return (weight * error).sum() / weight.sum()


def reader_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the shape and of the colour at each token."""
    shape, color = logits.split([len(SHAPES) + 1, logits.shape[-1] - len(SHAPES) - 1], -1)
    return F.cross_entropy(shape.flatten(0, 1), labels[..., 0].flatten()) + F.cross_entropy(
        color.flatten(0, 1), labels[..., 1].flatten()
    )


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, keep: float) -> None:
    """Exponential moving average of the weights."""
    pairs = list(zip(average.parameters(), model.parameters(), strict=True))
    averages, values = _tensors(a for a, _ in pairs), _tensors(p for _, p in pairs)
    torch._foreach_lerp_(averages, values, 1 - keep)


def _tensors(parameters: Iterable[Tensor]) -> list[Tensor]:
    return [parameter.detach() for parameter in parameters]
