"""What a request will cost, before it is run: the unit in which tenants share the workers."""

from server.request import ImageRequest
from server.strength import first_step

PIXELS = 2**20
"""One unit is one step over a mebipixel in full."""
UNMEASURED_SHARE = 0.5
"""Of the blocks, under a cache rule that has not been measured: between the fastest presets and none."""


def cost(request: ImageRequest, share: float) -> float:
    """Images x steps to take x rows a step x pixels x the ``share`` of blocks that is expected to be computed."""
    strength = None if request.inputs is None else request.inputs.strength
    steps = request.steps - first_step(request.steps, strength)
    rows = 2 if request.negative_prompt is not None and request.true_cfg > 1 else 1
    return request.num_images * steps * rows * (request.width * request.height / PIXELS) * share


def expected_share(request: ImageRequest, measured: float | None) -> float:
    """Of the blocks, under the request's cache rule; ``measured`` is its preset's, where there is one."""
    if request.cache.is_off:
        return 1.0
    return UNMEASURED_SHARE if measured is None else measured
