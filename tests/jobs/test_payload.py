"""What goes into the store comes out the same, also one version apart, and nothing else does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import PayloadError
from server.jobs.event import Ended, Happening, JobState, PartialImage, Queued, Started, StepCounts, Stepped
from server.jobs.payload import (
    VERSION,
    event_from_json,
    event_to_json,
    job_from_json,
    job_to_json,
    result_from_json,
    result_to_json,
)
from server.request import (
    CacheChoice,
    CacheCounts,
    ImageRequest,
    ImageResult,
    InputKeys,
    Job,
    JobResult,
    OutputFormat,
    Timings,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = FINITE | st.integers(-(10**9), 10**9) | st.booleans() | TEXT | st.tuples(FINITE, FINITE)
CHOICES = st.builds(
    CacheChoice, TEXT, st.none() | FINITE, st.none() | FINITE, parameters=st.tuples(st.tuples(TEXT, VALUES))
)
INPUTS = st.none() | st.builds(InputKeys, st.lists(TEXT, max_size=2).map(tuple), st.none() | TEXT, FINITE)
REQUESTS = st.builds(
    ImageRequest,
    TEXT,
    TEXT,
    st.integers(1, 9),
    st.integers(),
    st.integers(),
    cache=CHOICES,
    guidance=FINITE,
    inputs=INPUTS,
)
JOBS = st.builds(
    Job, TEXT, REQUESTS, st.integers(0, 2**53), cost=FINITE, weight=FINITE, deadline_ms=st.none() | st.integers()
)
IMAGES = st.builds(
    ImageResult, counts=st.builds(CacheCounts, flops_ratio=FINITE), timings=st.builds(Timings, *[FINITE] * 5)
)
RESULTS = st.builds(JobResult, st.lists(IMAGES, max_size=2).map(tuple))
EVENTS: list[Happening] = [
    Queued(3),
    Started(1),
    Stepped(2, 4, StepCounts(1, 1, 0)),
    PartialImage(0, "key"),
    Ended(JobState.FINISHED, JobResult(())),
    Ended(JobState.DEAD, error="why"),
]


def small() -> Job:
    choice = CacheChoice("custom", 0.1, 0.2, parameters=(("every", 3), ("at", True), ("ratios", (1.0, 0.5))))
    return Job("a", ImageRequest("p", "m", 1, 64, 64, 4, 3.5, 7, choice, OutputFormat.WEBP), 5)


@given(JOBS)
def test_a_job_comes_out_as_it_went_in(job: Job) -> None:
    assert job_from_json(job_to_json(job)) == job


@given(RESULTS)
def test_a_result_comes_out_as_it_went_in(result: JobResult) -> None:
    assert result_from_json(result_to_json(result)) == result


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_an_event_comes_out_as_it_went_in(event: Happening) -> None:
    assert event_from_json(event_to_json(event)) == event


def test_whole_numbers_flags_and_lists_keep_their_kinds() -> None:
    parameters = dict(job_from_json(job_to_json(small())).request.cache.parameters)
    assert parameters == {"every": 3, "at": True, "ratios": (1.0, 0.5)}
    assert [type(value) for value in parameters.values()] == [int, bool, tuple]


def test_the_next_version_may_add_fields_and_the_last_one_lack_those_with_a_default() -> None:
    newer = json.loads(job_to_json(small()))
    newer["v"] = VERSION + 1
    newer["body"]["colour"] = newer["body"]["request"]["shade"] = "unheard of"
    assert job_from_json(json.dumps(newer)) == small()
    older = json.loads(job_to_json(small()))
    older["v"] = VERSION - 1
    for field in ("tenant", "weight", "priority", "deadline_ms", "cost", "asynchronous"):
        del older["body"][field]
    assert job_from_json(json.dumps(older)) == small()


def test_an_event_of_a_later_version_is_passed_over() -> None:
    assert event_from_json(json.dumps({"v": VERSION + 1, "kind": "danced", "body": {}})) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"v": "1", "body": {}}',
        json.dumps({"v": VERSION + 2, "body": {}}),
        json.dumps({"v": VERSION, "body": {"id": "secret-prompt"}}),
        json.dumps({"v": VERSION, "body": None}),
        b"\xff\xfe",
        "[" * 100_000,
    ],
    ids=["empty", "cut", "list", "bare", "text", "far", "half", "null", "bytes", "deep"],
)
def test_what_is_no_payload_is_refused_without_quoting_it(text: str | bytes) -> None:
    with pytest.raises(PayloadError) as refused:
        job_from_json(text)
    assert "secret-prompt" not in refused.value.message
