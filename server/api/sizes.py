"""The size of an image: "WxH" or auto, within what the model serves, or the nearest that it serves."""

import re
from typing import Literal

from server.api.quoting import quoted
from server.errors import RequestError
from server.profile import ModelProfile

SizePolicy = Literal["reject", "fit"]
"""What becomes of a size that is not served: an error, or the nearest that is."""
_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")


def resolve_size(size: str | None, profile: ModelProfile, policy: SizePolicy = "reject") -> tuple[int, int]:
    """Width and height in pixels."""
    if size is None or size == "auto":
        return profile.default_width, profile.default_height
    found = _SIZE.fullmatch(size)
    sides = [int(side) for side in found.groups()] if found else []
    fits = [profile.min_side <= side <= profile.max_side and side % profile.side_multiple == 0 for side in sides]
    if sides and not all(fits) and policy == "fit":
        return nearest_size(sides[0], sides[1], profile)
    if not sides or not all(fits):
        raise RequestError(
            f"size is {quoted(size)}, allowed is 'auto' or 'WxH' with sides from {profile.min_side} to "
            f"{profile.max_side} in steps of {profile.side_multiple}",
            "size",
        )
    return sides[0], sides[1]


def nearest_size(width: int, height: int, profile: ModelProfile) -> tuple[int, int]:
    """The nearest size served, of like aspect where the model serves any such; one that is served is its own."""
    smallest = profile.min_side / min(width, height)
    largest = profile.max_side / max(width, height)
    # Where no scale brings both sides within the bounds, the longer one is cut to its own below.
    scale = max(smallest, min(1.0, largest))
    return _nearest_side(width * scale, profile), _nearest_side(height * scale, profile)


def _nearest_side(side: float, profile: ModelProfile) -> int:
    """The multiple next to ``side`` among those within the bounds."""
    multiple = profile.side_multiple
    lowest, highest = -(-profile.min_side // multiple), profile.max_side // multiple
    return multiple * min(max(round(side / multiple), lowest), highest)
