"""The plot of a calibration: nearness over work, with the presets named."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from server.calibrate.points import Point


def draw(path: Path, points: Sequence[Point], chosen: Mapping[str, Point]) -> None:
    """A PNG: SSIM and FLIP over the share of block FLOPs."""
    from matplotlib.figure import Figure  # of the arena's extra, which calibration needs and the server does not

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    ordered = sorted(points, key=lambda point: point.flops_ratio)
    for axes, (name, better) in zip(
        figure.subplots(1, 2), (("ssim", "higher is nearer"), ("flip", "lower is nearer")), strict=True
    ):
        axes.plot([p.flops_ratio for p in ordered], [getattr(p, name) for p in ordered], marker=".", color="0.6")
        for preset, point in chosen.items():
            value = getattr(point, name)
            axes.plot(point.flops_ratio, value, marker="o", label=preset)
        axes.set(xlabel="share of block FLOPs", ylabel=f"{name.upper()} ({better})")
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)
