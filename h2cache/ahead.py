"""Decisions that need no look at the model's streams: taken before a step embeds anything, or told before it."""

from collections.abc import Sequence

import torch

from h2cache.decide import Question, measure, verdict
from h2cache.rule import ask
from h2cache.sample_step import SampleStep
from h2cache.state import SampleCache


@torch.no_grad()
def foresee(caches: Sequence[SampleCache], sigmas: Sequence[float]) -> list[bool]:
    """True for each sample whose next step, at its noise level in ``sigmas``, will run no block.

    Known of methods that put in the velocity and look at nothing first: ``default`` and fixed schedules. Of others
    it is False whatever becomes of the step. The host waits for the device once, where a rate was not read yet.
    """
    steps = [_outline(row, cache, sigmas[row]) for row, cache in enumerate(caches) if _has_something(cache)]
    decide_ahead(steps)
    reused = {step.row for step in steps if step.skips_head}
    return [row in reused for row in range(len(caches))]


def decide_ahead(steps: Sequence[SampleStep]) -> None:
    """Give their verdicts to the samples whose method puts in the velocity and looks at nothing first."""
    questions = [
        Question(step, 0, step.stage(0), ask(step.cache, 0, ())) for step in steps if _looks_at_nothing(step)
    ]
    for question in questions:
        question.step.seen.append(None)
        question.step.followed.append(None)
    told = measure(questions, 0)
    for question in questions:
        question.step.verdicts.append(verdict(question, 0, told.get(question.step.row)))


def _looks_at_nothing(step: SampleStep) -> bool:
    return step.reuses_output and step.stage(0).measure is None and step.stage(0).followed is None


def _has_something(cache: SampleCache) -> bool:
    return bool(cache.stages) and bool(cache.stages[0].anchors)


def _outline(row: int, cache: SampleCache, sigma: float) -> SampleStep:
    """The step to come as far as decisions go: by the host's noise level; the tensors are stand-ins."""
    newest = cache.stages[0].anchors[0]
    then = newest.mark if newest.forecast is None else newest.forecast.sigma
    return SampleStep(row, cache, (), latents=newest.img, sigma=then, level=sigma, grid=None)
