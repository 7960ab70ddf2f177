"""What the engine tells for the metrics is what it tells in the results."""

import pytest

from server.engine.loader import LoadedModel
from tests.engine.conftest import LIMITS, OFF, Start, order
from tests.engine.samples import rule


@pytest.mark.parametrize("name", ["dev", "klein"])
def test_the_rows_of_all_steps_add_up_to_each_sample_s_counts(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    engine, told = start(request.getfixturevalue(name))
    orders = [order("a", steps=6, cache=rule(0.6, 0.3)), order("b", steps=4, cache=rule(0.2, 0.9)), order("c")]
    for wanted in orders:
        engine.submit(wanted)
    for wanted in orders:
        counts = told.finished(wanted.sample_id).counts
        rows = [row for step in told.batches for row in step.rows if row.cache == wanted.cache]
        outcomes = [row.outcome for row in rows]
        assert len(rows) == counts.steps
        assert outcomes.count("full") == counts.full
        assert outcomes.count("structure_hit") == counts.structure_hits
        assert sum(row.blocks_run for row in rows) == counts.blocks_run
        assert sum(row.blocks_total for row in rows) == counts.blocks_total
        assert sum(row.flops_share for row in rows) / len(rows) == pytest.approx(counts.flops_ratio)


def test_memory_is_what_the_running_samples_need_within_the_budget(dev: LoadedModel, start: Start) -> None:
    engine, told = start(dev)
    for name in ("a", "b"):
        engine.submit(order(name, cache=rule(0.6, 0.3)))
    for name in ("a", "b"):
        told.finished(name)
    memories = [step.memory for step in told.batches if step.memory is not None]
    assert len(memories) == len(told.batches)
    assert {memory.budget_bytes for memory in memories} == {LIMITS.memory_budget_bytes}
    assert all(0 < memory.samples_bytes <= memory.budget_bytes for memory in memories)
    assert {memory.device_bytes for memory in memories} == {None}


def test_a_prompt_said_again_is_told_as_known(dev: LoadedModel, start: Start) -> None:
    engine, told = start(dev)
    for name in ("a", "b"):
        engine.submit(order(name, prompt="a cat", cache=OFF))
        told.finished(name)
    assert [text.was_known for text in told.texts] == [False, True]
