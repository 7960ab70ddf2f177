"""What a request will cost, before it is run: the unit in which tenants share the workers."""

from server.measured_share import share_at
from server.request import TWO_THRESHOLDS, CacheChoice, ImageRequest
from server.strength import first_step

PIXELS = 2**20
"""One unit is one step over a mebipixel in full."""
UNMEASURED_SHARE = 0.5
"""Of the blocks, under a method of other parameters than two thresholds: between the fastest presets and none."""


def cost(request: ImageRequest, share: float, guides_by_two: bool = False) -> float:
    """Images x steps to take x rows a step x pixels x the ``share`` of blocks that is expected to be computed.

    ``guides_by_two`` is the model's: a guidance above 1 takes a second row.
    """
    is_guided_away = request.negative_prompt is not None and request.true_cfg > 1
    rows = 2 if is_guided_away or (guides_by_two and request.guidance > 1) else 1
    mebipixels = request.width * request.height / PIXELS
    return request.num_images * _steps_to_take(request) * rows * mebipixels * share


def expected_share(request: ImageRequest, measured: float | None) -> float:
    """Of the blocks, under the request's cache rule; ``measured`` is its preset's, where there is one."""
    if request.cache.is_off:
        return 1.0
    if measured is not None:
        return measured
    if request.cache.method not in TWO_THRESHOLDS:
        return UNMEASURED_SHARE
    return _by_thresholds(request.cache, _steps_to_take(request))


def _by_thresholds(cache: CacheChoice, steps: int) -> float:
    """What the thresholds leave, but for the steps that the bounds make full."""
    assert cache.tau1 is not None and cache.tau2 is not None
    share = share_at(cache.method, cache.tau1, cache.tau2)
    if cache.max_consecutive is not None:
        share = max(share, 1 / (cache.max_consecutive + 1))
    full = min(steps, cache.warmup + cache.last_full)
    return (full + (steps - full) * share) / steps


def _steps_to_take(request: ImageRequest) -> int:
    """An edit enters the schedule late."""
    strength = None if request.inputs is None else request.inputs.strength
    return request.steps - first_step(request.steps, strength)
