"""The report's figures, as SVG text."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from io import StringIO
from statistics import mean
from typing import Any

from matplotlib.figure import Figure

from load_tests.fidelity import Fidelity
from load_tests.frontier import REFERENCE, Point
from load_tests.summary import Summary

LATENCIES: dict[str, tuple[Callable[[Summary], float | None], str]] = {
    "p50": (lambda run: run.p50_s, "#1f77b4"),
    "p90": (lambda run: run.p90_s, "#e07b39"),
    "p99": (lambda run: run.p99_s, "#b03060"),
}
QUALITIES: dict[str, Callable[[Fidelity], float]] = {
    "PSNR (dB, more is better)": lambda found: found.psnr,
    "SSIM (more is better)": lambda found: found.ssim,
    "FLIP (less is better)": lambda found: found.flip,
}


def over_rate(runs: Sequence[Summary], slo_s: float) -> str:
    """Goodput and latency over the offered rate: a dot a run, a line through the seeds' means."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    goodput, latency = figure.subplots(1, 2)
    _line(goodput, [(run.offered_rate, run.goodput) for run in runs], "goodput", "#2a7f3f")
    _line(goodput, [(run.offered_rate, run.refused / run.seconds) for run in runs], "429s", "#999999")
    highest = max(run.offered_rate for run in runs)
    goodput.plot([0, highest], [0, highest], ":", color="#bbbbbb", label="offered")
    goodput.set(xlabel="offered requests a second", ylabel=f"a second, within {slo_s:g} s", ylim=(0, None))
    for name, (value, color) in LATENCIES.items():
        _line(latency, [(run.offered_rate, found) for run in runs if (found := value(run))], name, color)
    latency.axhline(slo_s, ls="--", lw=1, color="#888888", label="SLO")
    latency.set(xlabel="offered requests a second", ylabel="seconds from when it was due", yscale="log")
    for axes in (goodput, latency):
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8)
    return _svg(figure)


def over_fidelity(points: Sequence[Point]) -> str:
    """Images a second over each fidelity, a dot a threshold pair; the uncached speed is the dashed line."""
    figure = Figure(figsize=(14, 4.2), layout="constrained")
    uncached = next((point.images_per_s for point in points if point.label == REFERENCE), None)
    for axes, (name, value) in zip(figure.subplots(1, len(QUALITIES)), QUALITIES.items(), strict=True):
        for number, point in enumerate(points):
            if point.fidelity is None or point.label == REFERENCE:
                continue
            where, above = (value(point.fidelity), point.images_per_s), 4 if number % 2 else -11
            axes.plot(*where, "o", color="#1f4e79")
            axes.annotate(point.label, where, textcoords="offset points", xytext=(6, above), fontsize=8)
        if uncached is not None:
            axes.axhline(uncached, ls="--", lw=1, color="#888888", label="uncached")
            axes.legend(fontsize=8)
        highest = max(point.images_per_s for point in points)
        axes.set(xlabel=name, ylabel="images a second", ylim=(0, 1.15 * highest))
        axes.margins(x=0.3)
        axes.grid(visible=True, alpha=0.3)
    return _svg(figure)


def _line(axes: Any, dots: Sequence[tuple[float, float]], label: str, color: str) -> None:
    of_rate: defaultdict[float, list[float]] = defaultdict(list)
    for rate, value in dots:
        of_rate[rate].append(value)
    axes.plot([rate for rate, _ in dots], [value for _, value in dots], "o", ms=3, color=color)
    if of_rate:
        line = sorted((rate, mean(values)) for rate, values in of_rate.items())
        axes.plot(*zip(*line, strict=True), "-", color=color, label=label)


def _svg(figure: Figure) -> str:
    """Without the XML head, to stand inside HTML."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
