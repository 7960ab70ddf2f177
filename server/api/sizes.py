"""The size of an image: "WxH" or auto, within what the model serves."""

import re

from server.api.quoting import quoted
from server.errors import RequestError
from server.profile import ModelProfile

_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")


def resolve_size(size: str | None, profile: ModelProfile) -> tuple[int, int]:
    """Width and height in pixels."""
    if size is None or size == "auto":
        return profile.default_width, profile.default_height
    found = _SIZE.fullmatch(size)
    sides = [int(side) for side in found.groups()] if found else []
    fits = [profile.min_side <= side <= profile.max_side and side % profile.side_multiple == 0 for side in sides]
    if not sides or not all(fits):
        raise RequestError(
            f"size is {quoted(size)}, allowed is 'auto' or 'WxH' with sides from {profile.min_side} to "
            f"{profile.max_side} in steps of {profile.side_multiple}",
            "size",
        )
    return sides[0], sides[1]
