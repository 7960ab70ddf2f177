"""The ten colours of the scenes."""

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (220, 40, 40),
    "green": (40, 170, 70),
    "blue": (50, 90, 220),
    "yellow": (245, 210, 50),
    "purple": (140, 60, 180),
    "orange": (245, 140, 40),
    "white": (250, 250, 250),
    "black": (25, 25, 25),
    "pink": (245, 150, 190),
    "cyan": (60, 200, 220),
}
"""Colour word -> RGB, 0-255."""

COLORS: tuple[str, ...] = tuple(PALETTE)
