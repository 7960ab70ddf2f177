"""The files of a benchmark: a line a run and a request as CSV, and one JSON a run with where it came from."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from load_tests.bench import Findings, Run
from load_tests.frontier import Point
from load_tests.outcome import Outcome
from load_tests.plan import Plan


def write_files(findings: Findings, plan: Plan, provenance: Mapping[str, Any]) -> None:
    """runs.csv, requests.csv, pairs.csv, pairs.json and run-*.json in the plan's folder."""
    plan.out.mkdir(parents=True, exist_ok=True)
    write_csv(plan.out / "runs.csv", map(run_row, findings.runs))
    write_csv(plan.out / "requests.csv", (request_row(run, one) for run in findings.runs for one in run.outcomes))
    write_csv(plan.out / "pairs.csv", map(pair_row, findings.points))
    pairs = {"provenance": provenance, "pairs": [asdict(point) for point in findings.points]}
    write_json(plan.out / "pairs.json", pairs)
    for run in findings.runs:
        name = f"run-{run.summary.offered_rate:.4g}-{run.summary.seed}.json"
        write_json(plan.out / name, {"provenance": provenance, "summary": run_row(run)})


def describe(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        key: value if value is None or isinstance(value, int | float | list) else str(value)
        for key, value in _flat(plan)
    }


def _flat(plan: Plan) -> Iterable[tuple[str, Any]]:
    for key, value in vars(plan).items():
        yield key, [asdict(rate) for rate in value] if key == "rates" else value


def run_row(run: Run) -> dict[str, Any]:
    """The summary and whether it counts."""
    return {**asdict(run.summary), "is_valid": run.summary.is_valid}


def request_row(run: Run, outcome: Outcome) -> dict[str, Any]:
    """No prompt and no image."""
    return {
        "offered_rate": run.summary.offered_rate,
        "seed": run.summary.seed,
        "index": outcome.index,
        "pair": outcome.label,
        "due_s": outcome.due_s,
        "sent_s": outcome.sent_s,
        "ended_s": outcome.ended_s,
        "end": outcome.reply.end.value,
        "status": outcome.reply.status,
        "error": outcome.reply.error,
    }


def pair_row(point: Point) -> dict[str, Any]:
    """Fidelity beside speed, in one line."""
    fidelity = {"psnr": None, "ssim": None, "flip": None} if point.fidelity is None else asdict(point.fidelity)
    return {
        "pair": point.label,
        "images": point.images,
        "images_per_s": point.images_per_s,
        "skipped_blocks": point.skipped_blocks,
        **fidelity,
    }


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Columns are the first row's keys."""
    lines: Sequence[Mapping[str, Any]] = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Indented, to be read by people too."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
