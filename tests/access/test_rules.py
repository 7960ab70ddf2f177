"""The rules of who may do how much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.caller import Caller, Limits, check_caps
from server.access.open_door import is_loopback, reason_to_refuse
from server.access.token_bucket import TokenBucket, filled, spend, wait_s
from server.errors import RequestError
from server.request import CacheChoice, ImageRequest

COSTS = st.floats(0.001, 100)
REQUEST = ImageRequest("a", "m", 3, 128, 64, 20, 3.5, 1, CacheChoice("off", None, None, method="off"))


@given(COSTS, COSTS, st.lists(st.tuples(st.floats(0, 50), COSTS), max_size=30))
def test_a_bucket_lets_through_no_more_than_the_burst_and_what_flows_in(
    rate: float, burst: float, asks: list[tuple[float, float]]
) -> None:
    bucket, now_s, spent, highest = TokenBucket(burst, 0.0), 0.0, 0.0, 0.0
    for pause_s, cost in asks:
        now_s += pause_s
        bucket = filled(bucket, rate, burst, now_s)
        if wait_s(bucket, rate, burst, cost) == 0:
            bucket, spent, highest = spend(bucket, cost), spent + cost, max(highest, cost)
        # The last to be let through may have cost more than the burst.
        assert spent <= burst + rate * now_s + max(0.0, highest - burst) + 1e-6


@given(COSTS, COSTS, COSTS, st.floats(-100, 100))
def test_after_the_wait_that_is_said_the_request_passes(
    rate: float, burst: float, cost: float, level: float
) -> None:
    bucket = TokenBucket(min(level, burst), 0.0)
    later = filled(bucket, rate, burst, wait_s(bucket, rate, burst, cost) * (1 + 1e-9) + 1e-9)
    assert wait_s(later, rate, burst, cost) == pytest.approx(0, abs=1e-6)


def test_a_clock_that_goes_back_fills_nothing() -> None:
    assert filled(TokenBucket(1, 10), 5, 100, 3) == TokenBucket(1, 10)


@pytest.mark.parametrize(
    ("limits", "param"),
    [
        (Limits(max_images=2), "n"),
        (Limits(max_pixels=128 * 64 - 1), "size"),
        (Limits(max_steps=19), "num_inference_steps"),
    ],
)
def test_a_cap_names_the_field_that_is_over_it(limits: Limits, param: str) -> None:
    with pytest.raises(RequestError, match="allowed with this key") as refused:
        check_caps(REQUEST, limits)
    assert refused.value.param == param
    check_caps(REQUEST, Limits(max_images=3, max_pixels=128 * 64, max_steps=20))


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.org", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_without_keys_only_this_machine_is_served_unless_that_is_said(host: str, inside: bool) -> None:
    assert is_loopback(host) == inside
    assert (reason_to_refuse(host, False, False) is None) == inside
    assert reason_to_refuse(host, True, False) is None
    assert reason_to_refuse(host, False, True) is None


def test_a_tenant_s_things_are_its_own_and_an_admin_s() -> None:
    assert Caller("k", "a").owns("a")
    assert not Caller("k", "a").owns("b")
    assert Caller("k", "a", is_admin=True).owns("b")
