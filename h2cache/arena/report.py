"""report.md and report.html: the tables, the curves, the sheets, and what each step was."""

import base64
import html
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from h2cache.arena import equal_work, plots
from h2cache.arena.outcomes import OutcomeShares, read_outcomes
from h2cache.arena.ranking import Point, points_of
from h2cache.arena.rows import read_rows
from h2cache.arena.sheets import nearest, sheet

HEAD = ("method", "setting", "FLOPs", "blocks", "seconds", "PSNR", "SSIM", "FLIP", "latent L1", "adherence")
STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;padding:0 1em;max-width:1300px;
color:#222;background:#fff}
table{border-collapse:collapse;font-size:13px;display:block;overflow-x:auto;margin:1em 0}
td,th{padding:3px 10px;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child,.settings td:nth-child(2),.settings th:nth-child(2){text-align:left}
img{max-width:100%}"""


def write_report(out: Path, title: str) -> None:
    """report.md, report.html and curves.png, from results.csv, outcomes.csv and the kept images in ``out``."""
    points = points_of(read_rows(out / "results.csv"))
    shares = read_outcomes(out / "outcomes.csv")
    steps = sorted({point.steps for point in points})
    (out / "curves.png").write_bytes(plots.headline(points, steps))
    (out / "report.md").write_text(markdown(title, points, steps), encoding="utf-8")
    (out / "report.html").write_text(page(out, title, points, shares, steps), encoding="utf-8")


def cells(point: Point) -> tuple[str, ...]:
    """A point's line of the table."""
    adherence = "" if point.adherence is None else f"{100 * point.adherence:.0f} %"
    work = (f"{value:.3f}" for value in (point.flops_ratio, point.blocks_run, point.seconds_ratio))
    quality = (f"{point.psnr:.2f}", f"{point.ssim:.4f}", f"{point.flip:.4f}", f"{point.latent_rel_l1:.4f}")
    return (point.method, point.setting, *work, *quality, adherence)


def settings(points: Sequence[Point]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and lines of the table of all settings; with LPIPS where it was measured."""
    if all(point.lpips is None for point in points):
        return HEAD, [cells(point) for point in points]
    lpips = ("" if point.lpips is None else f"{point.lpips:.4f}" for point in points)
    return (*HEAD, "LPIPS"), [(*cells(point), value) for point, value in zip(points, lpips, strict=True)]


def markdown(title: str, points: Sequence[Point], steps: Sequence[int]) -> str:
    """One table for each number of steps, the methods in order of work."""
    parts = [f"# {title}", EXPLAINED]
    for number in steps:
        own = _of_steps(points, number)
        parts.append(f"## {number} steps, {own[0].images} images a setting")
        for caption, lines in standings(points, number):
            parts += [f"### {caption}", _rows(equal_work.HEAD, lines)]
        parts += ["### All settings", _rows(*settings(own))]
    return "\n\n".join(parts) + "\n"


def standings(points: Sequence[Point], steps: int) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Of each measure of work a caption and a table's lines."""
    for work, named in plots.WORKS.items():
        lines = [equal_work.cells(one) for one in equal_work.standings(points, steps, work)]
        yield f"At an equal {named}", lines


def _rows(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    every = (head, ("---",) * len(head), *lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in every)


EXPLAINED = """PSNR, SSIM and FLIP are of the decoded image against the uncached one of the same seed, means over
images (PSNR capped at 60 dB). FLOPs are shares of a full step at the price of FLUX.1's 19 + 38 blocks, blocks
those of the model itself, seconds those of denoising at batch 1 over the uncached run's, interleaved, a
median on one image. At equal work, by each of these three measures, PSNR is read off a method's best settings on
straight lines, and so is the share of work that it needs for the PSNR of the paper's (0.15, 0.22); the methods
stand in the order of that."""


def page(
    out: Path,
    title: str,
    points: Sequence[Point],
    shares: Sequence[OutcomeShares],
    steps: Sequence[int],
) -> str:
    """One file without links to others."""
    parts = [f"<h1>{html.escape(title)}</h1><p>{EXPLAINED}</p>"]
    for number in steps:
        parts.append(f"<h2>{number} steps</h2>{_image(plots.pareto(points, number))}")
        for caption, lines in standings(points, number):
            parts += [f"<h3>{html.escape(caption)}</h3>", _table(equal_work.HEAD, lines)]
        parts += ["<h3>All settings</h3>", _table(*settings(_of_steps(points, number)), "settings")]
        parts.append(f"<h3>The same prompts, differences x 4</h3>{_image(sheet(out, points, number))}")
        parts.append("<h3>What each step was</h3>")
        for point in nearest(points, number)[1:]:
            own = [s for s in shares if (s.method, s.setting, s.steps) == (point.method, point.setting, number)]
            parts.append(_image(plots.outcomes(own, f"{point.method} {point.setting}")))
    body = "\n".join(parts)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title><style>{STYLE}</style>{body}\n'
    )


def _of_steps(points: Sequence[Point], steps: int) -> list[Point]:
    return sorted((p for p in points if p.steps == steps), key=lambda p: (p.method, p.flops_ratio))


def _table(head: Sequence[str], lines: Iterable[Sequence[str]], kind: str = "standings") -> str:
    every = [_line(head, "th"), *(_line(line, "td") for line in lines)]
    return f'<table class="{kind}">{"".join(every)}</table>'


def _line(values: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(value)}</{tag}>" for value in values) + "</tr>"


def _image(png: bytes) -> str:
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
