"""How many samples fit: by the bytes that each will hold, told before it is taken in."""

from dataclasses import replace

import pytest

from server.engine.batch import denoise, gather, scatter
from server.engine.loader import LoadedModel
from server.request import CacheChoice
from tests.engine.conftest import LIMITS, Start, order
from tests.engine.samples import prepared, rule


def test_the_fourth_sample_waits_where_the_budget_is_for_three(dev: LoadedModel, start: Start) -> None:
    cached = rule(0.0, 0.0)
    one = prepared(dev, order("x", cache=cached, steps=12)).needed_bytes
    engine, recorder = start(dev, replace(LIMITS, memory_budget_bytes=int(3.5 * one)))
    for i in range(5):
        engine.submit(order(str(i), steps=12, cache=cached, seed=i))
    recorder.wait(lambda: recorder.steps("0") > 0 and engine.free_slots() == 0)
    for i in range(5):
        recorder.finished(str(i))
    assert max(step.batch_size for step in recorder.batches) == 3
    assert engine.free_slots() > 0, "nobody waits for memory any more"


def test_a_sample_over_the_whole_budget_runs_alone_rather_than_never(dev: LoadedModel, start: Start) -> None:
    engine, recorder = start(dev, replace(LIMITS, memory_budget_bytes=1))
    for i in range(2):
        engine.submit(order(str(i)))
    for i in range(2):
        recorder.finished(str(i))
    assert {step.batch_size for step in recorder.batches} == {1}


@pytest.mark.parametrize(
    "cache", [rule(0.1, 0.1), CacheChoice("off", None, None, method="off")], ids=["cached", "off"]
)
@pytest.mark.parametrize("width", [64, 1024])
@pytest.mark.parametrize("name", ["dev", "klein"])
def test_the_byte_formula_is_within_a_tenth_of_the_tensors(
    name: str, request: pytest.FixtureRequest, cache: CacheChoice, width: int
) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    sample = prepared(model, order("x", width=width, height=64, cache=cache))
    batch = gather(model, [sample])
    scatter(batch, denoise(model, batch))
    assert sample.needed_bytes == pytest.approx(sample.nbytes, rel=0.1)
