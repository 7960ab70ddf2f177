"""Every fill, on what stages add as well as on what comes of them, is the weighted sum of its formula."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from h2cache import H2CacheError, Method, SampleCache, StageCache
from h2cache.fill import Fill
from h2cache.fills.average import Average
from h2cache.fills.hermite import Hermite
from h2cache.fills.last import Last
from h2cache.fills.scaled import Scaled
from h2cache.fills.taylor import Taylor
from h2cache.gates.mask import Mask
from h2cache.layout import OneStage, TwoStages, WholeStep
from h2cache.method import Reused, Stage
from h2cache.sample_step import SampleStep
from h2cache.state import Anchor
from tests.h2cache import plain
from tests.h2cache.models import shared_model
from tests.h2cache.samples import Request, Shape, run_alone

SHAPE, STEPS = Shape(3, 4, 2), 9
TRANSFORMER, MODEL = shared_model()
PATTERN = "000110111"
Values = list[tuple[int, Tensor]]


def last(values: Values, k: int) -> Tensor:
    return values[0][1]


def taylor(order: int) -> Callable[[Values, int], Tensor]:
    def value(values: Values, k: int) -> Tensor:
        (at, newest), (before, older), (first, oldest) = values[:3]
        slope, earlier = (newest - older) / (at - before), (older - oldest) / (before - first)
        bend = (slope - earlier) / (at - before)
        return newest + (k - at) * slope + (bend * (k - at) ** 2 / 2 if order == 2 else 0)

    return value


def damped(values: Values, k: int) -> Tensor:
    """Order 1 with scale 0.6: H_1(0.6 k) 0.6 = 0.72 k."""
    (at, newest), (before, older) = values[:2]
    return newest + 0.72 * (k - at) * (newest - older) / (at - before)


def average(values: Values, k: int) -> Tensor:
    (at, newest), (before, older) = values[:2]
    return newest + (k - at + 0.5) * (newest - older) / (at - before)


def scaled(values: Values, k: int) -> Tensor:
    return (1 + k / 10) * values[0][1]


FILLS: dict[str, tuple[Fill, Callable[[Values, int], Tensor]]] = {
    "last": (Last(), last),
    "taylor 1": (Taylor(1), taylor(1)),
    "taylor 2": (Taylor(2), taylor(2)),
    "hermite": (Hermite(1, 0.6), damped),
    "average": (Average(), average),
    "scaled": (Scaled(tuple(1 + k / 10 for k in range(STEPS))), scaled),
}


@torch.no_grad()
def by_the_formulas(
    reused: Reused, layout: OneStage | WholeStep, value: Callable[[Values, int], Tensor]
) -> Tensor:
    """The latents at the end; what is put in is taken of the image stream, which alone is read after the stage."""
    request, values = Request(None, STEPS, 1), list[tuple[int, Tensor]]()
    latents = request.latents(SHAPE.image, torch.float64)
    probe = 1 if isinstance(layout, OneStage) else 0
    for k in range(STEPS):
        net = plain.net_at(TRANSFORMER, request, k, latents, SHAPE)
        txt, img = net.run(net.txt, net.img, 0, probe)
        base = {Reused.REST: img, Reused.STAGE: net.img, Reused.STATE: 0, Reused.OUTPUT: 0}.get(
            reused, latents[None]
        )
        if PATTERN[k] == "0":
            _, img = net.run(txt, img, probe, len(net.all))
            out = net.head(img) if reused.is_velocity else img
            values.insert(0, (k, out - base))
        else:
            out = base + value(values, k)
        velocity = out if reused.is_velocity else net.head(out)
        latents = latents - velocity[0] / STEPS
    return latents


@pytest.mark.parametrize("layout", [OneStage(), WholeStep()], ids=["one stage", "whole step"])
@pytest.mark.parametrize("reused", Reused)
@pytest.mark.parametrize(("fill", "value"), FILLS.values(), ids=FILLS.keys())
def test_what_is_put_in_is_the_formula_s(
    fill: Fill, value: Callable[[Values, int], Tensor], reused: Reused, layout: OneStage | WholeStep
) -> None:
    made = Method("made", layout, (Stage(Mask(PATTERN), fill, reused=reused),))
    running = run_alone(MODEL, Request(made, STEPS, 1), SHAPE, torch.float64)
    torch.testing.assert_close(running.latents, by_the_formulas(reused, layout, value), rtol=1e-9, atol=1e-9)
    assert [record.blocks_run for record in running.records if record.blocks_run < 5] == 5 * [
        1 if isinstance(layout, OneStage) else 0
    ]


def test_only_the_image_s_own_tokens_have_a_low_band() -> None:
    made = Method("made", WholeStep(), (Stage(Mask("01"), Hermite(1, 1.0, cutoff=2.0), reused=Reused.STATE),))
    newest, older = (torch.rand(SHAPE.image + 3, 4, generator=torch.Generator().manual_seed(i)) for i in (1, 2))
    anchors = tuple(Anchor(step, values, None, values.new_zeros(())) for step, values in ((1, newest), (0, older)))
    cache = SampleCache(made, 5, 2, (StageCache(anchors),))
    step = SampleStep(
        0,
        cache,
        made.layout.spans(2, 3),
        torch.zeros(SHAPE.image, 4),
        torch.ones(()),
        1.0,
        (SHAPE.rows, SHAPE.columns),
    )
    step.followed.append(None)
    put_in, _ = step.reused_sum(0)
    # The band is all there is, so that the image stays; what comes behind it is forecast: H_1(1) = 2.
    torch.testing.assert_close(put_in[: SHAPE.image], newest[: SHAPE.image])
    torch.testing.assert_close(put_in[SHAPE.image :], (newest + 2 * (newest - older))[SHAPE.image :])


def test_what_needs_the_image_s_end_is_refused_before() -> None:
    detail = Stage(Mask("01"), Last())
    for stage in (Stage(Mask("01"), Hermite(cutoff=0.1)), Stage(Mask("01"), Last(), reused=Reused.OUTPUT)):
        with pytest.raises(H2CacheError, match=r"the stage's end has text tokens|only a stage of all blocks"):
            Method("made", TwoStages(), (stage, detail))
