"""Which of the waiting jobs a worker takes: in order, as far as they fit, and no job starves by its size."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST_LOOKED_AT = 64
"""How far down the line a worker looks."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker has free: places for ``images`` samples, and ``pixels`` of them in sum.

    ``most_pixels`` is what it could hold if it were empty; None is no bound. ``idle``: it holds no job.
    """

    images: int
    pixels: int | None = None
    most_pixels: int | None = None
    idle: bool = True


@dataclass(frozen=True, slots=True)
class Need:
    """What a job asks for: ``images`` samples of ``pixels`` each, alone or not.

    ``overtaken_ms`` is how long ago it was first overtaken for want of room, None for never.
    """

    images: int
    pixels: int
    alone: bool = False
    overtaken_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Numbers in the line: ``taken``, and ``overtaken`` by one behind them."""

    taken: tuple[int, ...]
    overtaken: tuple[int, ...]


def choose(needs: Iterable[Need], room: Room, patience_ms: int) -> Choice:
    """Walk down the line.

    The first job taken may hold more images than there are places: the worker feeds them as places come free. A
    job that does not fit is passed over, but once that has lasted for ``patience_ms`` a worker that could hold it
    takes none behind it.
    """
    images, pixels = room.images, room.pixels
    taken: list[int] = []
    overtaken: list[int] = []
    for number, need in enumerate(needs):
        if images < 1 or number >= MOST_LOOKED_AT or (taken and need.images > images):
            break
        if room.most_pixels is not None and need.pixels > room.most_pixels:
            continue
        crowded = need.alone and (taken or not room.idle)
        if crowded or (pixels is not None and need.pixels > pixels):
            if need.overtaken_ms is not None and need.overtaken_ms >= patience_ms:
                break
            overtaken.append(number)
            continue
        taken.append(number)
        if need.alone:
            break
        images -= need.images
        pixels = None if pixels is None else pixels - need.pixels * need.images
    last = taken[-1] if taken else -1
    return Choice(tuple(taken), tuple(number for number in overtaken if number < last))


def num_that_fit(free: int, pixels: int, held: int, most: int | None) -> int:
    """How many more samples of ``pixels`` each fit into ``free`` places beside ``held`` pixels, ``most`` in sum.

    One does where nothing is held, whatever its size: who took it can hold it.
    """
    if most is None:
        return free
    return min(free, max((most - held) // pixels, int(held == 0)))
