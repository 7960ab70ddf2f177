"""Who a request comes from, and what it may ask for."""

from dataclasses import dataclass

from server.errors import RequestError
from server.request import ImageRequest


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one key; None is no bound of its own.

    ``cost_per_s`` refills a bucket of ``burst``, in the unit of ``server.jobs.cost``: one step over a mebipixel in
    full. ``max_in_flight`` counts images that wait or run.
    """

    cost_per_s: float | None = None
    burst: float | None = None
    max_images: int | None = None
    max_pixels: int | None = None
    max_steps: int | None = None
    max_in_flight: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """``tenant`` owns what is made and shares the workers by ``weight``; an admin sees every tenant's."""

    key_id: str
    tenant: str
    weight: float = 1.0
    limits: Limits = Limits()
    is_admin: bool = False

    def owns(self, tenant: str) -> bool:
        """True where a thing of ``tenant`` may be seen; to all others it is not there."""
        return self.is_admin or tenant == self.tenant


NOBODY_IN_PARTICULAR = Caller("", "anonymous")
"""Everybody, on a server without keys."""


def check_caps(request: ImageRequest, limits: Limits) -> None:
    """Raise RequestError for the first cap that the request is over; ``param`` is the field."""
    pixels = request.width * request.height
    for param, wanted, allowed, unit in (
        ("n", request.num_images, limits.max_images, "images"),
        ("size", pixels, limits.max_pixels, "pixels"),
        ("num_inference_steps", request.steps, limits.max_steps, "steps"),
    ):
        if allowed is not None and wanted > allowed:
            raise RequestError(f"{param} means {wanted} {unit}, allowed with this key are {allowed}", param)
