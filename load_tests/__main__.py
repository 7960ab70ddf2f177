"""``python -m load_tests``: the open-loop benchmark of an OpenAI images endpoint."""

import argparse
import asyncio
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from load_tests.bench import Findings, run_bench
from load_tests.errors import told_in_one_line
from load_tests.files import describe, write_files
from load_tests.flags import positive, positive_number, target_parser
from load_tests.machine import describe_commit, describe_machine
from load_tests.plan import CURVE, QUICK_CURVE, Plan, quick
from load_tests.progress import Progress
from load_tests.rates import parse_rates
from load_tests.report import LAG, LATE, PAIR_HEAD, RUN_HEAD, figures, page, pair_cells, run_cells
from load_tests.target import checked_url


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0, 1 where the numbers say nothing, 2 with one line where it cannot start."""
    words = sys.argv[1:] if words is None else words
    console = Console()
    with told_in_one_line("load_tests", console):
        are_valid = bench(plan_of(parser().parse_args(words), words), console)
    if not are_valid:
        console.print(f"load_tests: some runs are invalid: {LATE}", style="red", soft_wrap=True)
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    """All flags."""
    top = target_parser("load_tests", __doc__)
    top.add_argument("--rate", help=f"requests a second, or times the capacity ({CURVE})")
    top.add_argument("--requests", type=positive, default=300, help="a rate and seed (300)")
    top.add_argument("--seconds", type=float, default=0.0, help="a rate and seed lasts at least so long (0)")
    top.add_argument("--seeds", type=positive, default=2, help="runs a rate, each with its own arrivals (2)")
    top.add_argument(
        "--slo", type=positive_number, default=10.0, help="seconds within which an answer is good (10)"
    )
    top.add_argument("--pair-requests", type=positive, default=48, help="a pair and pass of the frontier (48)")
    top.add_argument("--in-flight", type=positive, default=16, help="of closed loops (16)")
    top.add_argument("--quick", action="store_true", help="a short run: does it work, not how fast it is")
    top.add_argument("--out", type=Path, default=Path("load-test"), help="the folder of the files (load-test)")
    return top


def plan_of(arguments: argparse.Namespace, words: Sequence[str]) -> Plan:
    """Check what can be checked before a request is sent."""
    plan = Plan(
        url=checked_url(arguments.url, arguments.i_own_this_server),
        mix=arguments.mix,
        rates=parse_rates(arguments.rate or (QUICK_CURVE if arguments.quick else CURVE)),
        out=arguments.out,
        slo_s=arguments.slo,
        requests=arguments.requests,
        seconds=arguments.seconds,
        seeds=arguments.seeds,
        in_flight=arguments.in_flight,
        pair_requests=arguments.pair_requests,
        timeout_s=arguments.timeout,
        key_file=arguments.key_file,
        command=f"python -m load_tests {shlex.join(words)}",
    )
    return quick(plan) if arguments.quick else plan


def bench(plan: Plan, console: Console) -> bool:
    """Run, write the files, print the tables. True where the generator kept its timetable."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    machine = describe_machine()
    findings = asyncio.run(run_bench(plan, Progress(console)))
    provenance: dict[str, Any] = {
        "started": started,
        "plan": describe(plan),
        "capacity": findings.capacity,
        "code": describe_commit(Path.cwd()),
        "machine": machine,
        "server": findings.server,
    }
    write_files(findings, plan, provenance)
    drawn = figures(findings, plan)
    for name, svg in drawn.items():
        (plan.out / name).write_text(svg, encoding="utf-8")
    (plan.out / "report.html").write_text(page(findings, plan, provenance, drawn), encoding="utf-8")
    print_tables(findings, console)
    console.print(f"wrote {plan.out / 'report.html'}", soft_wrap=True)
    return findings.are_valid


FOR_A_TERMINAL = ("offered/s", "seed", "goodput/s", "p50 s", "p90 s", "p99 s", "429s", "failed", LAG)
"""What 80 columns hold of a run's line; the report has the rest."""


def print_tables(findings: Findings, console: Console) -> None:
    """Those of the report, the first one narrower."""
    kept = [RUN_HEAD.index(name) for name in FOR_A_TERMINAL]
    for head, rows in (
        (FOR_A_TERMINAL, [[run_cells(run)[column] for column in kept] for run in findings.runs]),
        (PAIR_HEAD, [pair_cells(point) for point in findings.points]),
    ):
        table = Table(*head, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for row in rows:
            table.add_row(*row)
        console.print(table)


if __name__ == "__main__":
    main()
