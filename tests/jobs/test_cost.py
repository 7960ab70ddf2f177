"""What an edit and a guided request cost."""

from dataclasses import replace

from server.jobs.cost import cost
from server.request import InputKeys
from tests.jobs.contract.base import job


def test_cost_counts_the_steps_that_an_image_leaves_and_the_rows_of_guidance() -> None:
    request = replace(job("a", images=1, side=1024).request, steps=10)
    assert cost(request, 1.0) == 10
    assert cost(replace(request, inputs=InputKeys(("key",), None, 0.5)), 1.0) == 5
    assert cost(replace(request, inputs=InputKeys(("key",))), 1.0) == 10
    assert cost(replace(request, negative_prompt="b", true_cfg=2.0), 1.0) == 20
    assert cost(replace(request, negative_prompt="b"), 1.0) == cost(replace(request, true_cfg=2.0), 1.0) == 10
