"""A stage of the training: its state, saved whole so that a stopped run goes on, and the loop of all stages."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from nano.curve import Curve

SAVE_EVERY_S = 240.0
M = TypeVar("M", bound=nn.Module)


@dataclass(kw_only=True)
class Run(Generic[M]):
    """What is trained and how far it is; ``elapsed`` in seconds of training."""

    model: M
    optimizers: tuple[torch.optim.Optimizer, ...]
    generator: torch.Generator
    step: int = 0
    elapsed: float = 0.0

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The networks whose weights are saved."""
        return {"model": self.model}

    def save(self, path: Path) -> None:
        """Write atomically."""
        state: dict[str, Any] = {name: module.state_dict() for name, module in self.modules.items()}
        state |= {
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "generator": self.generator.get_state(),
            "step": self.step,
            "elapsed": self.elapsed,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path) -> None:
        """Take up a saved run."""
        state = torch.load(path, weights_only=True)
        for name, module in self.modules.items():
            module.load_state_dict(state[name])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.generator.set_state(state["generator"])
        self.step, self.elapsed = state["step"], state["elapsed"]


@dataclass(kw_only=True)
class AveragedRun(Run[M]):
    """A run whose result is the moving average of its weights."""

    average: M

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The networks whose weights are saved."""
        return {"model": self.model, "average": self.average}


def train_for(run: Run[M], seconds: float, checkpoint: Path, curve: Curve, step: Callable[[float], float]) -> None:
    """Optimizer steps until `seconds` are done, from the checkpoint on if there is one.

    `step` is told what share of the time is done, and gives the loss.
    """
    if checkpoint.exists():
        run.load(checkpoint)
    saved = last = time.monotonic()
    while run.elapsed < seconds:
        loss = step(run.elapsed / seconds)
        run.step += 1
        now = time.monotonic()
        run.elapsed, last = run.elapsed + now - last, now
        curve.add(run.step, run.elapsed, loss)
        if now - saved > SAVE_EVERY_S:
            run.save(checkpoint)
            saved = now
    curve.finish(run.step, run.elapsed)
    run.save(checkpoint)


def decay(done: float, hold: float) -> float:
    """Learning-rate factor at a share of the time: 1 up to `hold`, then half a cosine down to 0."""
    fall = min(max((done - hold) / (1 - hold), 0.0), 1.0)
    return 0.5 * (1 + float(np.cos(np.pi * fall)))


def warm_up(step: int, steps: int) -> float:
    """Learning-rate factor of the first steps: rising to 1."""
    return min(1.0, (step + 1) / steps)
