"""MagCache's gate by itself."""

import pytest

from h2cache.gate import Moment
from h2cache.gates.magnitude import Magnitude


@pytest.mark.parametrize(
    ("share", "num_steps", "computed"), [(0.1, 28, 3), (0.1, 50, 5), (0.1, 14, 1), (0.2, 14, 3)]
)
def test_the_warm_up_is_to_the_nearest_whole_step_as_in_the_authors_code(
    share: float, num_steps: int, computed: int
) -> None:
    gate = Magnitude(threshold=1e6, max_skips=1000, warmup_share=share)
    moments = [Moment(step, num_steps, None, (), step, 0, 1.0, 0.0) for step in range(num_steps)]
    assert [gate.decide(moment).reuse for moment in moments] == [step >= computed for step in range(num_steps)]
