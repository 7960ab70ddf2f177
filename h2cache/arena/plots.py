"""The report's plots, as PNG bytes."""

from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from math import ceil

from matplotlib import colormaps
from matplotlib.figure import Figure

from h2cache.arena.equal_work import front
from h2cache.arena.outcomes import OutcomeShares
from h2cache.arena.ranking import Point, curve
from h2cache.arena.setting import OFF

QUALITIES = {"psnr": "PSNR (dB)", "ssim": "SSIM", "flip": "FLIP (less is better)"}
WORKS = {
    "flops_ratio": "share of block FLOPs at FLUX.1's price",
    "blocks_run": "share of the model's own blocks",
    "seconds_ratio": "share of the uncached time",
}
MARGINS = {"left": 0.045, "right": 0.99, "top": 0.965, "wspace": 0.06, "hspace": 0.06}
"""Of nine panels of known size. A layout that is worked out would draw everything twice, here and below."""
LEGEND_COLUMNS = 8
STYLES = {"": "o-", "fitted": "o--", "tuned": "o:"}
Color = str | tuple[float, float, float]
COLORS = colormaps["tab20"].colors  # type: ignore[attr-defined]  # listed colormaps have them, the base class has not


def pareto(points: Sequence[Point], steps: int) -> bytes:
    """Each quality over each measure of work, a line a method; dashed where fitted, dotted where tuned."""
    figure = Figure(figsize=(15, 11))
    shape = len(QUALITIES), len(WORKS)
    grid = figure.subplots(*shape, sharex="col", sharey="row", squeeze=False, gridspec_kw=MARGINS)
    of_method: defaultdict[str, list[Point]] = defaultdict(list)
    for point in points:
        if point.steps == steps and point.method != OFF:
            of_method[point.method].append(point)
    for across, quality in zip(grid, QUALITIES, strict=True):
        for axes, work in zip(across, WORKS, strict=True):
            for color, (method, own) in zip(COLORS, of_method.items(), strict=False):
                width, shown = _stroke(method, color)
                for origin, style in STYLES.items():
                    part = [p for p in own if p.origin == origin]
                    if part:
                        line, label = curve(part, work, quality), part[0].curve_name
                        axes.plot(*zip(*line, strict=True), style, ms=3, lw=width, label=label, color=shown)
            axes.grid(visible=True, alpha=0.3)
        across[0].set_ylabel(QUALITIES[quality])
    for axes, work in zip(grid[-1], WORKS, strict=True):
        axes.set_xlabel(WORKS[work])
    lines, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="lower center", ncols=LEGEND_COLUMNS, fontsize=9)
    figure.subplots_adjust(bottom=0.055 + 0.018 * ceil(len(labels) / LEGEND_COLUMNS))
    figure.suptitle(f"{steps} steps", y=0.995)
    return _png(figure)


def headline(points: Sequence[Point], steps: Sequence[int]) -> bytes:
    """PSNR over FLOPs, a panel a number of steps: the best settings of each method, fitted or not."""
    width = 6 * len(steps)
    figure = Figure(figsize=(width, 5))
    margins = {"left": 0.6 / width, "right": 1 - 0.2 / width, "top": 0.94, "bottom": 0.1, "wspace": 0.14}
    for axes, number in zip(
        figure.subplots(1, len(steps), squeeze=False, gridspec_kw=margins)[0], steps, strict=True
    ):
        for color, (method, line) in zip(COLORS, fronts(points, number).items(), strict=False):
            width, shown = _stroke(method, color)
            if line:
                axes.plot(*zip(*line, strict=True), "o-", ms=3, lw=width, label=method, color=shown)
        axes.set(title=f"{number} steps", xlabel=WORKS["flops_ratio"], ylabel=QUALITIES["psnr"], xlim=(0.1, 0.8))
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8, ncols=2)
    return _png(figure)


def _stroke(method: str, color: Color) -> tuple[int, Color]:
    """Line width and color; ours stands out."""
    return (3, "black") if method == "default" else (1, color)


def fronts(points: Sequence[Point], steps: int) -> dict[str, list[tuple[float, float]]]:
    """Of each method in ``points`` the FLOPs and PSNR of its best settings; none where it was not run so long."""
    methods = dict.fromkeys(point.method for point in points if point.method != OFF)
    return {
        method: front(curve([p for p in points if (p.method, p.steps) == (method, steps)], "flops_ratio", "psnr"))
        for method in methods
    }


def outcomes(shares: Sequence[OutcomeShares], title: str) -> bytes:
    """What each step was, as shares of the images, stacked."""
    figure = Figure(figsize=(7, 1.9))
    axes = figure.subplots(gridspec_kw={"left": 0.06, "right": 0.99, "top": 0.88, "bottom": 0.24})
    steps = [share.step for share in shares]
    bottom = [0.0] * len(steps)
    for kind, color in (("full", "#1f4e79"), ("detail_hit", "#e0a030"), ("structure_hit", "#c8c8c8")):
        heights = [getattr(share, kind) for share in shares]
        axes.bar(steps, heights, bottom=bottom, color=color, label=kind, width=1.0)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    axes.set(title=title, xlabel="step", ylim=(0, 1))
    axes.title.set_fontsize(8)
    axes.legend(fontsize=6, loc="upper right")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()
