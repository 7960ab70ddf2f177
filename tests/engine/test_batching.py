"""Mixed samples share one forward and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from server.engine.batch import denoise, gather, scatter
from server.engine.interface import SampleFinished, SampleStepped
from server.engine.loader import LoadedModel
from server.engine.sample import cache_counts
from tests.engine.alone import assert_each_is_as_alone
from tests.engine.conftest import Start, order
from tests.engine.samples import prepared, rule
from tests.engine.test_equals_pipeline import pixels_of

MIXED = [
    order("a", steps=8, guidance=1.0, seed=1, cache=rule(0.5, 0.5)),
    order("b", steps=5, guidance=5.0, seed=2, cache=rule(0.2, 0.9, warmup=2)),
    order("c", steps=3, guidance=3.5, seed=3),
    order("d", steps=8, guidance=2.0, seed=4, cache=rule(0.9, 0.9, max_consecutive=1, last_full=True), prompt="b"),
    order("e", steps=6, seed=5, cache=rule(0.6, 0.3), width=96),
    order("f", steps=4, seed=6, cache=rule(0.6, 0.3), width=96),
]


@pytest.mark.parametrize("name", ["dev", "klein", "distilled", "flux2_dev"])
def test_samples_in_one_batch_are_what_each_is_alone(
    name: str, request: pytest.FixtureRequest, start: Start
) -> None:
    assert_each_is_as_alone(request.getfixturevalue(name), MIXED, start)


@pytest.mark.parametrize(("name", "rows"), [("dev", 1), ("klein", 2)])
def test_the_outcomes_that_are_told_step_by_step_are_those_that_are_counted(
    name: str, rows: int, request: pytest.FixtureRequest, start: Start
) -> None:
    engine, recorder = start(request.getfixturevalue(name))
    for wanted in MIXED:
        engine.submit(replace(wanted, guidance=4.0))
    for wanted in MIXED:
        counts = recorder.finished(wanted.sample_id).counts
        told = [
            event.outcomes
            for event in recorder.events
            if isinstance(event, SampleStepped) and event.sample_id == wanted.sample_id
        ]
        assert [len(outcomes) for outcomes in told] == [rows] * wanted.steps
        flat = [outcome for outcomes in told for outcome in outcomes]
        assert flat.count("full") == counts.full
        assert flat.count("detail_hit") == counts.detail_hits
        assert flat.count("structure_hit") == counts.structure_hits


def test_a_sample_that_joins_later_changes_nobody(dev: LoadedModel, start: Start) -> None:
    first = order("first", steps=30, cache=rule(0.5, 0.5))
    engine, recorder = start(dev)
    engine.submit(first)
    recorder.wait(lambda: recorder.steps("first") >= 2)
    engine.submit(MIXED[1])
    alone, single = start(dev)
    alone.submit(first)
    for wanted in (first, MIXED[1]):
        assert isinstance(recorder.finished(wanted.sample_id), SampleFinished)
    assert recorder.finished("first").counts == single.finished("first").counts
    assert np.abs(pixels_of(recorder.finished("first")) - pixels_of(single.finished("first"))).max() <= 1


def test_under_classifier_free_guidance_each_of_two_rows_has_a_cache_and_decisions_of_its_own(
    klein: LoadedModel,
) -> None:
    wanted = order("x", steps=12, guidance=4.0, cache=rule(0.72, 1.0))
    sample, alone = prepared(klein, wanted), prepared(klein, replace(wanted, guidance=1.0))
    assert (len(sample.caches), len(alone.caches)) == (2, 1)
    outcomes = []
    for step in range(12):
        assert [cache.step_index for cache in sample.caches] == [step, step]
        batch = gather(klein, [sample, alone] if step == 0 else [sample])
        assert len(batch.inputs.latents) == (3 if step == 0 else 2)
        result = denoise(klein, batch)
        scatter(batch, result)
        outcomes.append([record.outcome for record in result.records[:2]])
    with_prompt, without = zip(*outcomes, strict=True)
    assert with_prompt != without
    counts = cache_counts(sample.caches, 5)
    assert (counts.steps, counts.blocks_total) == (24, 120)
    assert counts.full == sum(outcome == "full" for outcome in (*with_prompt, *without))
