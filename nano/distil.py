"""The last stage: classifier-free guidance put into the guidance embedding, as FLUX.1-dev has it.

Teacher: the main stage's averaged weights, v_empty + g (v_prompt - v_empty). Student: the same network, which
is told g and has to give that in one pass (guidance distillation, arXiv 2210.03142, stage one). In pure noise the
teacher is not guided at all, and more and more on the way out of it (the idea of arXiv 2404.07724): guidance there
turns the velocity from step to step and makes no image better.
"""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nano.bank import Bank
from nano.base import Compiler, Model, choose_bank, follow, optimizers, set_rates, velocity_loss
from nano.curve import Curve
from nano.flow import Noised, add_noise
from nano.flux import image_ids
from nano.run import AveragedRun, decay, train_for, warm_up
from nano.settings import DistilSettings, FluxSettings


def new_distil_run(teacher: Model, settings: DistilSettings) -> AveragedRun[Model]:
    """The student starts as the teacher; its text encoders stay as they are."""
    student, average = copy.deepcopy(teacher), copy.deepcopy(teacher)
    student.requires_grad_(False)
    student.trainee.flux.requires_grad_(True)
    return AveragedRun(
        model=student,
        average=average,
        optimizers=optimizers(student.trainee.flux, settings.muon_rate, settings.adam_rate),
        generator=torch.Generator().manual_seed(1),
    )


def train_distil(
    run: AveragedRun[Model],
    teacher: Model,
    banks: Sequence[Bank],
    flux: FluxSettings,
    settings: DistilSettings,
    seconds: float,
    folder: Path,
    compiler: Compiler,
) -> None:
    """Train until `seconds` of training are done."""
    rates = (settings.muon_rate, settings.adam_rate)
    teaching, learning = compiler(teacher.trainee), compiler(run.model.trainee)

    def step(done: float) -> float:
        set_rates(run, rates, warm_up(run.step, 20) * decay(done, settings.hold))
        bank = choose_bank(banks, 1.0, flux, run.generator)
        main = bank is banks[0]
        pair = (teaching, learning) if main else (teacher.trainee, run.model.trainee)
        return distil_step(run, *pair, bank, flux.object_weight, settings)

    train_for(run, seconds, folder / "distil.pt", Curve(folder / "curve.csv", "distil"), step)


def distil_step(
    run: AveragedRun[Model],
    teacher: Callable[..., Any],
    student: Callable[..., Any],
    bank: Bank,
    object_weight: float,
    settings: DistilSettings,
) -> float:
    """One optimizer step; returns the weighted loss against the teacher."""
    rows = torch.randint(len(bank), (settings.batch,), generator=run.generator)
    task = add_noise(bank.latents[rows].float(), run.generator)
    spread = settings.highest - settings.lowest
    guidance = settings.lowest + spread * torch.rand(len(rows), generator=run.generator)
    ids = image_ids(bank.rows, bank.columns)
    with torch.no_grad():
        prompt = run.model.text(bank.text.rows(rows))
        empty = tuple(part.expand(len(rows), *part.shape[1:]) for part in run.model.text(bank.empty))
        scale = rising(guidance, task.sigma, settings.rise)
        target = guided(teacher, task, prompt, empty, scale, ids)
    with torch.autocast("cpu", torch.bfloat16):
        velocity, _ = student(task.x, *prompt, task.sigma, guidance, ids)
    labels = bank.labels[rows].long()
    loss = velocity_loss(velocity.float(), Noised(task.x, task.sigma, target), labels, object_weight)
    for optimizer in run.optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.model.trainee.flux.parameters(), 1.0)
    for optimizer in run.optimizers:
        optimizer.step()
    follow(run.average, run.model, min(0.99, (run.step + 1) / (run.step + 21)))
    return float(loss.detach())


def rising(guidance: Tensor, sigma: Tensor, rise: float) -> Tensor:
    """The guidance scale B at noise levels B: 1 at sigma 1, then on a line, all of it from 1 - ``rise`` on."""
    return 1 + (guidance - 1) * ((1 - sigma) / rise).clamp(max=1.0)


def guided(
    trainee: Callable[..., Any],
    task: Noised,
    prompt: tuple[Tensor, ...],
    empty: tuple[Tensor, ...],
    guidance: Tensor,
    ids: Tensor,
) -> Tensor:
    """The guided velocity B T 64 of a model that was trained at guidance 1."""
    ones = torch.ones_like(guidance)
    conditional: Tensor
    free: Tensor
    with torch.autocast("cpu", torch.bfloat16):
        conditional = trainee(task.x, *prompt, task.sigma, ones, ids)[0].float()
        free = trainee(task.x, *empty, task.sigma, ones, ids)[0].float()
    return free + guidance[:, None, None] * (conditional - free)
