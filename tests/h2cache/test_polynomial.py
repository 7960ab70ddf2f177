"""Laws of the polynomial fill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache.errors import H2CacheError
from h2cache.fills.polynomial import Polynomial, lagrange

STEPS = st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True).map(lambda steps: sorted(steps)[::-1])


@given(STEPS, st.integers(-5, 40))
def test_lagrange_s_weights_reproduce_polynomials_of_their_order(steps: list[int], at: int) -> None:
    for power in range(len(steps)):
        read = sum(weight * (step / 30) ** power for weight, step in zip(lagrange(steps, at), steps, strict=True))
        assert read == pytest.approx((at / 30) ** power, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("order", [-1, 5, 1.5])
def test_an_order_that_is_not_meant_is_refused(order: float) -> None:
    with pytest.raises(H2CacheError, match="allowed are whole numbers from 0 to 4"):
        Polynomial(order)  # type: ignore[arg-type]  # wrong on purpose
