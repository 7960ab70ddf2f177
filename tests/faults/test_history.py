"""The checker of histories turns red for each promise that is broken."""

import pytest

from tests.faults.history import LOST, History, faults_of, is_a_losers_checkpoint

KEPT = ("{h2serve}:depth", "{h2serve}:q:flux-nano:meta", "{h2serve}:job:a")


def good() -> History:
    history = History()
    for job_id in ("a", "b"):
        history.submit(job_id)
        history.acknowledge(job_id)
    history.end("a", "finished", "11")
    history.end("b", "dead")
    return history


def test_a_run_that_kept_every_promise_is_clean() -> None:
    assert faults_of(good(), 0, KEPT) == []


def test_a_result_that_was_read_twice_is_one_result() -> None:
    history = good()
    history.end("a", "finished", "11")
    assert faults_of(history, 0, KEPT) == []


def test_a_submit_that_was_refused_need_not_end() -> None:
    history = good()
    history.submit("c")
    assert faults_of(history, 0, KEPT) == []


def test_a_lost_job_is_seen() -> None:
    history = good()
    history.submit("c")
    history.acknowledge("c")
    assert faults_of(history, 0, KEPT) == ["c was acknowledged and is lost"]


def test_a_lost_job_is_in_order_only_where_redis_lost_it_and_the_client_was_told() -> None:
    history = good()
    history.submit("c")
    history.acknowledge("c")
    history.end("c", LOST)
    assert faults_of(history, 0, KEPT) == ["c was acknowledged and is lost"]
    assert faults_of(history, 0, KEPT, may_lose=True) == []
    history.end("c", "finished", "33")
    assert faults_of(history, 0, KEPT, may_lose=True) == ["c ended as finished, lost"]


def test_a_doubled_result_is_seen() -> None:
    history = good()
    history.end("a", "finished", "22")
    assert faults_of(history, 0, KEPT) == ["a has 2 results"]


def test_two_ends_of_one_job_are_seen() -> None:
    history = good()
    history.end("b", "cancelled")
    assert faults_of(history, 0, KEPT) == ["b ended as cancelled, dead"]


def test_an_end_of_nobody_s_job_is_seen() -> None:
    history = good()
    history.end("z", "failed")
    assert faults_of(history, 0, KEPT) == ["z ended and was never submitted"]


@pytest.mark.parametrize(
    "key",
    [
        "{h2serve}:q:flux-nano:a:lock",
        "{h2serve}:q:flux-nano:active",
        "{h2serve}:q:flux-nano:prioritized",
        "h2serve:results:a/checkpoint/0",
    ],
)
def test_an_orphan_key_is_seen(key: str) -> None:
    assert faults_of(good(), 0, [*KEPT, key]) == [f"{key} is left"]


def test_a_count_that_is_not_back_at_nothing_is_seen() -> None:
    assert faults_of(good(), 1, KEPT) == ["1 images are left in the queue's count"]


def test_only_a_checkpoint_of_another_than_the_winner_is_a_loser_s() -> None:
    result = '{"images": [{"result_key": "a/0/second"}]}'
    assert is_a_losers_checkpoint("h2serve:results:a/0/checkpoint/first", result)
    assert not is_a_losers_checkpoint("h2serve:results:a/0/checkpoint/second", result)
    assert not is_a_losers_checkpoint("h2serve:results:a/in/0", result)
