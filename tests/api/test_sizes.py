"""A size that is not served is refused, or becomes the nearest of like aspect."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.api.sizes import nearest_size, resolve_size
from server.errors import RequestError
from server.profile import ModelProfile, load_profile

NANO = load_profile("flux-nano")
PROFILES = st.sampled_from(
    [NANO, load_profile("flux-dev"), NANO.model_copy(update={"side_multiple": 48, "min_side": 50})]
)
SIDES = st.integers(1, 20_000)


def is_served(width: int, height: int, profile: ModelProfile) -> bool:
    bounds = profile.min_side, profile.max_side
    return all(bounds[0] <= side <= bounds[1] and side % profile.side_multiple == 0 for side in (width, height))


@settings(deadline=None)
@given(SIDES, SIDES, PROFILES)
def test_the_nearest_size_is_served(width: int, height: int, profile: ModelProfile) -> None:
    assert is_served(*nearest_size(width, height, profile), profile)


@settings(deadline=None)
@given(st.integers(4, 12), st.integers(4, 12))
def test_a_size_that_is_served_is_its_own_nearest(columns: int, rows: int) -> None:
    assert nearest_size(16 * columns, 16 * rows, NANO) == (16 * columns, 16 * rows)


@settings(deadline=None)
@given(SIDES, SIDES)
def test_the_aspect_is_kept_up_to_a_step_of_the_sides_where_the_model_serves_any_such(
    width: int, height: int
) -> None:
    assume(max(width, height) / min(width, height) <= NANO.max_side / NANO.min_side)
    found = nearest_size(width, height, NANO)
    step = NANO.side_multiple / 2
    assert (found[0] - step) / (found[1] + step) <= width / height <= (found[0] + step) / (found[1] - step)


def test_a_size_is_fitted_only_where_that_is_the_policy() -> None:
    assert resolve_size("1024x1024", NANO, "fit") == (192, 192)
    assert resolve_size("1536x1024", NANO, "fit") == (192, 128)
    assert resolve_size("128x64", NANO, "fit") == (128, 64)
    assert resolve_size("auto", NANO, "fit") == resolve_size(None, NANO, "fit") == (128, 128)
    with pytest.raises(RequestError):
        resolve_size("1024x1024", NANO)


@pytest.mark.parametrize("size", ["large", "0x0", "128", "128x128\n", "1e3x1e3", "-1x5"])
def test_what_is_no_size_is_refused_under_either_policy(size: str) -> None:
    with pytest.raises(RequestError) as refused:
        resolve_size(size, NANO, "fit")
    assert refused.value.param == "size"
