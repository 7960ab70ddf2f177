"""report.html: one file without links to others."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from load_tests import plots
from load_tests.bench import Findings, Run
from load_tests.frontier import Point
from load_tests.plan import Plan
from load_tests.summary import MOST_LAG_MS

STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1200px;padding:0 1em;color:#222}
table{border-collapse:collapse;font-size:13px;margin:1em 0}td,th{padding:3px 10px;border-bottom:1px solid #ddd;
text-align:right}svg{max-width:100%;height:auto}pre{background:#f6f6f6;padding:1em;overflow:auto;font-size:12px}
.bad{color:#b00020}"""
LAG = "send lag p99 ms"
RUN_HEAD = (
    "offered/s",
    "seed",
    "requests",
    "goodput/s",
    "attained",
    "images/s",
    "Mpx steps/s",
    "p50 s",
    "p90 s",
    "p99 s",
    "429s",
    "429 p90 s",
    "failed",
    "skipped blocks",
    LAG,
)
PAIR_HEAD = ("pair", "images", "images/s", "skipped blocks", "PSNR dB", "SSIM", "FLIP")


def figures(findings: Findings, plan: Plan) -> dict[str, str]:
    """SVG text by file name."""
    return {
        "goodput.svg": plots.over_rate([run.summary for run in findings.runs], plan.slo_s),
        "fidelity.svg": plots.over_fidelity(findings.points),
    }


def page(findings: Findings, plan: Plan, provenance: Mapping[str, Any], drawn: Mapping[str, str]) -> str:
    """The ``figures``, tables, and where they come from."""
    invalid = sum(not run.summary.is_valid for run in findings.runs)
    parts = [f"<h1>{html.escape(plan.mix)} on {html.escape(plan.url)}</h1>"]
    if invalid:
        parts.append(f'<p class="bad">{invalid} of {len(findings.runs)} runs are invalid: {LATE}</p>')
    runs = sorted(findings.runs, key=lambda run: (run.summary.offered_rate, run.summary.seed))
    parts += [
        f"<h2>Goodput and latency over the offered rate</h2><p>{RUNS_SAID}</p>",
        drawn["goodput.svg"],
        _table(RUN_HEAD, [run_cells(run) for run in runs]),
        f"<h2>Images a second over fidelity, one point a threshold pair</h2><p>{PAIRS_SAID}</p>",
        drawn["fidelity.svg"],
        _table(PAIR_HEAD, [pair_cells(point) for point in findings.points]),
        f"<h2>Where this comes from</h2><pre>{html.escape(json.dumps(provenance, indent=1))}</pre>",
    ]
    body = "\n".join(parts)
    return f'<!doctype html><meta charset="utf-8"><title>Load test</title><style>{STYLE}</style>{body}\n'


LATE = f"requests were sent more than {MOST_LAG_MS:g} ms late at the 99th percentile."
RUNS_SAID = """Open loop: requests are due at the times of a Poisson process and are sent whatever the server does.
Latency counts from when a request was due. Goodput is images within the SLO over the time to the last answer; a
refused (429), failed or late request is none. The 99th percentile is told from 1,000 requests on."""
PAIRS_SAID = """Each pair alone, in a closed loop over the same prompts, seeds, sizes and step counts. Fidelity is
against the uncached images of the same requests (PSNR capped at 60 dB), computed after the run."""


def run_cells(run: Run) -> tuple[str, ...]:
    """A run's line of the table."""
    it = run.summary
    return (
        f"{it.offered_rate:.3g}",
        str(it.seed),
        str(it.requests),
        f"{it.goodput:.3g}",
        f"{100 * it.attainment:.1f} %",
        f"{it.images_per_s:.3g}",
        *map(number, (it.megapixel_steps_per_s, it.p50_s, it.p90_s, it.p99_s)),
        str(it.refused),
        number(it.refused_p90_s),
        str(it.failed),
        number(it.skipped_blocks),
        f"{it.lag_p99_ms:.1f}{'' if it.is_valid else ' (invalid)'}",
    )


def pair_cells(point: Point) -> tuple[str, ...]:
    """A pair's line of the table."""
    found = point.fidelity
    quality = ("", "", "") if found is None else (f"{found.psnr:.2f}", f"{found.ssim:.4f}", f"{found.flip:.4f}")
    return (point.label, str(point.images), f"{point.images_per_s:.3g}", number(point.skipped_blocks), *quality)


def number(value: float | None) -> str:
    """Three digits; nothing for what was not measured."""
    return "" if value is None else f"{value:.3g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [_line(head, "th"), *(_line(row, "td") for row in rows)]
    return f"<table>{''.join(lines)}</table>"


def _line(values: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(value)}</{tag}>" for value in values) + "</tr>"
