"""The queue's pure rules: whose turn it is, what fits, what becomes of the lost and of the forgotten."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.jobs.cost import cost, expected_share
from server.jobs.fair_share import Waiting, line, next_tag
from server.jobs.fit import Choice, Need, Room, choose
from server.jobs.hang_up import cancel_at
from server.jobs.redelivery import is_dead, runs_alone
from server.jobs.workers import WorkerInfo, largest_that_fits
from tests.jobs.contract.base import job

NEEDS = st.lists(
    st.builds(Need, st.integers(1, 4), st.integers(1, 9), st.booleans(), st.none() | st.integers(0, 9))
)
ROOMS = st.builds(
    Room, st.integers(0, 8), st.none() | st.integers(0, 20), st.none() | st.integers(0, 9), st.booleans()
)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-2, 2), st.booleans()), max_size=12))
def test_a_line_gives_every_job_one_place_and_every_tenant_its_own(jobs: list[tuple[str, int, bool]]) -> None:
    waiting = [
        Waiting(str(k), tenant, priority, k, (float(k % 5), k), returned)
        for k, (tenant, priority, returned) in enumerate(jobs)
    ]
    turns = line(waiting)
    by_id = {each.job_id: each for each in waiting}
    owner = {each.place: each for each in waiting}
    assert sorted(turn.job_id for turn in turns) == sorted(by_id)
    for turn in turns:
        assert owner[turn.place].tenant == by_id[turn.job_id].tenant
    for before, after in itertools.pairwise(turns):
        first, second = by_id[before.job_id], by_id[after.job_id]
        assert first.returned or not second.returned
        if first.returned == second.returned:
            assert before.place < after.place


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=9), st.floats(0, 100))
def test_a_tenant_s_tags_rise_by_what_its_jobs_cost_and_never_lie_in_the_past(
    jobs: list[tuple[int, int]], virtual_time: float
) -> None:
    last = 0.0
    for job_cost, weight in jobs:
        tag = next_tag(virtual_time, last, job_cost, weight)
        assert tag > virtual_time and tag >= last + job_cost / weight
        last = tag


@given(NEEDS, ROOMS)
def test_a_choice_fits_the_room_and_starves_nobody(needs: list[Need], room: Room) -> None:
    choice = choose(needs, room, patience_ms=5)
    taken = [needs[number] for number in choice.taken]
    if room.images == 0:
        assert choice == Choice((), ())
    for need in taken:
        assert room.most_pixels is None or need.pixels <= room.most_pixels
        assert not need.alone or (room.idle and len(taken) == 1)
    assert sum(need.images for need in taken[1:]) <= max(0, room.images - sum(need.images for need in taken[:1]))
    for number in choice.overtaken:
        assert number not in choice.taken and number < choice.taken[-1]
        assert (needs[number].overtaken_ms or 0) < 5, "it has waited long enough"


def test_what_no_worker_could_hold_is_passed_over_without_end() -> None:
    needs = [Need(1, 9, overtaken_ms=99), Need(1, 4)]
    assert choose(needs, Room(1, pixels=4, most_pixels=8), 5) == Choice((1,), ())
    assert choose(needs, Room(1, pixels=4, most_pixels=9), 5) == Choice((), ())


@pytest.mark.parametrize(("deaths", "alone"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_job_runs_alone_from_the_second_redelivery_on(deaths: int, alone: bool) -> None:
    assert runs_alone(deaths) == alone


@pytest.mark.parametrize(("deaths", "was_alone", "dead"), [(2, True, False), (3, False, False), (3, True, True)])
def test_a_job_is_dead_after_three_deaths_the_last_of_them_alone(deaths: int, was_alone: bool, dead: bool) -> None:
    assert is_dead(deaths, was_alone) == dead


def test_nobody_waits_for_a_job_and_when_it_is_cancelled() -> None:
    assert cancel_at(asynchronous=True, has_key=False, waiters=0, now_ms=7, grace_ms=30) is None
    assert cancel_at(asynchronous=False, has_key=False, waiters=1, now_ms=7, grace_ms=30) is None
    assert cancel_at(asynchronous=False, has_key=False, waiters=0, now_ms=7, grace_ms=30) == 7
    assert cancel_at(asynchronous=False, has_key=True, waiters=0, now_ms=7, grace_ms=30) == 37


def test_cost_is_images_times_steps_times_pixels_times_the_share_of_blocks() -> None:
    request = job("a", images=2, side=1024).request
    assert cost(request, 0.25) == 2 * 4 * 0.25
    assert expected_share(request, 0.3) == 1.0, "the cache is off"


def test_the_largest_image_is_that_of_the_largest_worker_and_unknown_if_one_has_no_bound() -> None:
    small = WorkerInfo("a", "m", "1", 1, most_pixels=64)
    large = WorkerInfo("b", "m", "1", 1, most_pixels=128)
    assert largest_that_fits([small, large, WorkerInfo("c", "other", "1", 1)], "m") == 128
    assert largest_that_fits([small, WorkerInfo("c", "m", "1", 1)], "m") is None
    assert largest_that_fits([], "m") is None
