"""The default method in every family: a sample decides for itself, under guidance by two rows too."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from h2cache import FluxModel, denoise_step, flux_model, method
from tests.h2cache.families import FAMILIES
from tests.h2cache.models import Family
from tests.h2cache.samples import SHAPE, Request, Running, advance, inputs_of, run_alone, run_together, start

SCALE = 3.0
TWO_ROWS = ["FLUX.2 klein", "FLUX.3", "FLUX.3 with a reference"]
"""Their guidance is a row with the prompt and one without."""


def default(tau1: float, tau2: float, num_steps: int, seed: int) -> Request:
    return Request(method("default", {"tau1": tau1, "tau2": tau2}), num_steps, seed)


REQUESTS = [
    default(0.3, 0.4, 12, seed=1),
    default(0.15, 0.22, 12, seed=2),
    Request(None, 7, seed=3),
    default(0.6, 0.6, 9, seed=4),
    default(0.05, 0.5, 12, seed=5),
]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_sample_comes_out_among_others_as_it_does_alone(name: str) -> None:
    family = FAMILIES[name]
    model = family.exact_model()
    together = run_together(model, REQUESTS, SHAPE, family.exact, family)
    for sample, request in zip(together, REQUESTS, strict=True):
        alone = run_alone(model, request, SHAPE, family.exact, family)
        assert sample.letters == alone.letters
        assert set(sample.letters) == set("f" if request.settings is None else "fs")
        assert sample.cache.statistics == alone.cache.statistics
        assert (sample.latents - alone.latents).abs().max() <= family.nearness
    assert len({sample.letters for sample in together}) == len(together)


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_a_computed_step_gives_the_model_s_own_velocity_also_the_first_whose_copy_is_calmed(name: str) -> None:
    family = FAMILIES[name]
    transformer = family.build()
    model, batch = flux_model(transformer), [start(request, SHAPE) for request in REQUESTS[:2]]
    for _ in range(REQUESTS[0].num_steps):
        given, caches = inputs_of(batch, SHAPE, family), [sample.cache for sample in batch]
        wanted, got = family.plain(transformer, given), denoise_step(model, given, caches)
        for row, record in enumerate(got.records):
            if record.outcome == "full":
                torch.testing.assert_close(got.velocity[row], wanted[row], rtol=1e-4, atol=1e-5)
        advance(model, batch, SHAPE, family)


def guided(model: FluxModel, requests: Sequence[Request], family: Family) -> list[tuple[Running, Running]]:
    """Each image's two rows to the end, in one batch: from the same latents, with texts of their own."""
    images = []
    for request in requests:
        first = start(request, SHAPE, family.exact)
        second = start(replace(request, seed=request.seed + 100), SHAPE, family.exact)
        second.latents = first.latents
        images.append((first, second))
    while active := [image for image in images if not image[0].is_done]:
        rows = [row for image in active for row in image]
        result = denoise_step(model, inputs_of(rows, SHAPE, family), [row.cache for row in rows])
        for place, row in enumerate(rows):
            row.cache = result.caches[place]
            row.records.append(result.records[place])
        for place, image in enumerate(active):
            latents = stepped(image[0], result.velocity[2 * place], result.velocity[2 * place + 1])
            for row in image:
                row.latents = latents
    return images


def stepped(running: Running, with_prompt: Tensor, without: Tensor) -> Tensor:
    velocity = without + SCALE * (with_prompt - without)
    return running.latents - velocity / running.request.num_steps


@pytest.mark.parametrize("name", TWO_ROWS)
def test_the_two_rows_of_guidance_decide_each_for_itself_and_as_they_do_alone(name: str) -> None:
    family, requests = FAMILIES[name], [REQUESTS[0], REQUESTS[4], REQUESTS[3]]
    model = family.exact_model()
    together = guided(model, requests, family)
    # Texts change little in tiny models: the stretches of the two rows differ, if not where they end.
    assert any(first.cache.stages[0].memory != second.cache.stages[0].memory for first, second in together)
    for image, request in zip(together, requests, strict=True):
        (alone,) = guided(model, [request], family)
        for among, by_itself in zip(image, alone, strict=True):
            assert among.letters == by_itself.letters
            assert set(among.letters) == set("fs")
        assert (image[0].latents - alone[0].latents).abs().max() <= family.nearness
