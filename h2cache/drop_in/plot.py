"""A picture of what the cache did: distances and outcomes, step by step."""

from collections.abc import Sequence
from os import PathLike

from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from h2cache.drop_in.stats import SampleLog
from h2cache.stats import Outcome

COLOURS = {Outcome.FULL: "#1b3a5c", Outcome.DETAIL_HIT: "#5b9bd5", Outcome.STRUCTURE_HIT: "#cfe3f7"}
NO_STEP = "#ffffff"


def draw(logs: Sequence[SampleLog], path: str | PathLike[str]) -> None:
    """Above the distances, a line a sample and stage; below the outcomes, a row a sample."""
    figure = Figure(figsize=(8, 4.5 + 0.15 * len(logs)), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1 + 0.2 * len(logs)))
    _distances(above, logs)
    _outcomes(below, logs)
    figure.savefig(path, dpi=120)


def _distances(axes: Axes, logs: Sequence[SampleLog]) -> None:
    """Gaps are steps in which nothing was measured."""
    for log in logs:
        for name, style, values in (
            ("structure, d1", "o-", [record.d1 for record in log.records]),
            ("detail, d2", "s--", [record.d2 for record in log.records]),
        ):
            numbers = [float("nan") if value is None else value for value in values]
            axes.plot(numbers, style, markersize=3, alpha=0.7, label=name if log is logs[0] else None)
    axes.set_ylabel("distance to the last computed step")
    axes.legend(fontsize="small")


def _outcomes(axes: Axes, logs: Sequence[SampleLog]) -> None:
    longest = max(len(log.records) for log in logs)
    kinds = list(COLOURS)
    cells = [
        [kinds.index(outcome) for outcome in log.outcomes] + [len(kinds)] * (longest - len(log.records))
        for log in logs
    ]
    colours = ListedColormap([*COLOURS.values(), NO_STEP])
    axes.imshow(cells, cmap=colours, vmin=0, vmax=len(kinds), aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(logs)), [f"row {log.row}: {log.statistics.flops_ratio:.0%}" for log in logs])
    axes.set_xlabel("step; beside the rows the share of the blocks' FLOPs that was spent")
    handles = [Patch(color=colour, label=kind.value) for kind, colour in COLOURS.items()]
    axes.legend(handles=handles, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
