"""``python -m load_tests.peers``: our server against what a user would write, at equal skipping and equal PSNR."""

import argparse
import asyncio
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from load_tests.errors import LoadTestError, told_in_one_line
from load_tests.flags import positive, positive_number
from load_tests.machine import describe_commit, describe_machine, said_by
from load_tests.mix import load_mix
from load_tests.peers.comparison import Comparison, Standing, compare
from load_tests.peers.contender import Contender
from load_tests.peers.measuring import MULTIPLES, Effort, peak_goodput
from load_tests.progress import Progress

HEAD = (
    "server",
    "skipped blocks",
    "PSNR dB",
    "SSIM",
    "closed loop, images/s",
    "peak goodput/s",
    "at offered/s",
    "ours is",
)


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0, 2 with one line where it cannot go on."""
    words = sys.argv[1:] if words is None else words
    console, arguments = Console(), parser().parse_args(words)
    with told_in_one_line("peers", console):
        run(arguments, shlex.join(words), console)


def parser() -> argparse.ArgumentParser:
    """All flags."""
    top = argparse.ArgumentParser(prog="python -m load_tests.peers", description=__doc__)
    top.add_argument("--model", default="nano/flux-nano", help="a diffusers folder (nano/flux-nano)")
    top.add_argument("--text-length", type=positive, default=16, help="tokens, as in the model's profile (16)")
    top.add_argument("--ours", default=f"{sys.executable} -m server serve", help="our server's command")
    top.add_argument("--peers-python", default=".venv-peers/bin/python", help="of make peers")
    top.add_argument("--mix", default="peers", help="a TOML file, or the name of a shipped one (peers)")
    top.add_argument(
        "--slo", type=positive_number, default=10.0, help="seconds within which an answer is good (10)"
    )
    top.add_argument("--requests", type=positive, default=300, help="an offered rate and seed (300)")
    top.add_argument("--seeds", type=positive, default=2, help="runs an offered rate (2)")
    top.add_argument("--pass-requests", type=positive, default=96, help="a closed loop (96)")
    top.add_argument("--in-flight", type=positive, default=16, help="of closed loops (16)")
    top.add_argument(
        "--batch-sizes", default="4,8,16", help="of ours and the batching peer, to be tuned over (4,8,16)"
    )
    top.add_argument("--waits", default="0.01,0.05,0.2", help="seconds it collects (0.01,0.05,0.2)")
    top.add_argument("--multiples", default=",".join(map(str, MULTIPLES)), help="of its capacity, to be offered")
    top.add_argument(
        "--share-within", type=positive_number, default=0.015, help="what counts as equal skipping (0.015)"
    )
    top.add_argument("--psnr-within", type=positive_number, default=0.5, help="dB that count as equal PSNR (0.5)")
    top.add_argument("--out", type=Path, default=Path("peers"), help="the folder of the files (peers)")
    return top


def run(arguments: argparse.Namespace, words: str, console: Console) -> None:
    """Measure, write, print."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    started, machine = datetime.now(UTC).isoformat(timespec="seconds"), describe_machine()
    effort = Effort(
        arguments.pass_requests,
        arguments.in_flight,
        arguments.requests,
        arguments.seeds,
        arguments.slo,
        multiples(arguments.multiples),
        arguments.share_within,
        arguments.psnr_within,
    )
    python, shared = arguments.peers_python, ["--model", arguments.model, "--text-length", arguments.text_length]
    ours = [our_contender(arguments, size) for size in arguments.batch_sizes.split(",")]
    one_lock = Contender("one-lock", [python, "-m", "load_tests.peers.one_lock", *map(str, shared)], "/health")
    batching = [batching_contender(python, shared, size, wait) for size, wait in knobs(arguments)]
    mix, progress = load_mix(arguments.mix), Progress(console)
    comparison = asyncio.run(
        compare(ours, one_lock, batching, mix, effort, arguments.out, progress, console.print)
    )
    provenance = {
        "started": started,
        "command": f"python -m load_tests.peers {words}",
        "code": describe_commit(Path.cwd()),
        "machine": machine,
        "peers_packages": said_by([python, "-m", "pip", "freeze"]),
    }
    content = {"provenance": provenance, **described(comparison)}
    (arguments.out / "peers.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    text = table(comparison.standings)
    (arguments.out / "peers.md").write_text(text, encoding="utf-8")
    console.print(text, markup=False, soft_wrap=True)


def multiples(said: str) -> tuple[float, ...]:
    """Numbers by commas. Raises LoadTestError for anything else."""
    try:
        found = tuple(map(float, said.split(",")))
    except ValueError:
        found = ()
    if not found or not all(0 < each < 100 for each in found):
        raise LoadTestError(f"multiples are {said[:64]!r}, allowed are numbers above 0 by commas")
    return found


def our_contender(arguments: argparse.Namespace, size: str) -> Contender:
    """As it is shipped but for the batch. The folder by its whole path: a bare name would be one on the hub."""
    folder = str(Path(arguments.model).resolve())
    command = [*shlex.split(arguments.ours), "--model", folder, "--device", "cpu", "--max-batch", size]
    return Contender(f"h2serve-{size}", command, "/readyz")


def batching_contender(python: str, shared: Sequence[object], size: str, wait: str) -> Contender:
    """LitServe under two knobs."""
    words = [*shared, "--batch-size", size, "--wait", wait]
    command = [python, "-m", "load_tests.peers.batching", *map(str, words)]
    return Contender(f"litserve-{size}-{wait}", command, "/health")


def knobs(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Every batch size under the middle wait, and every other wait under the middle size."""
    sizes, waits = arguments.batch_sizes.split(","), arguments.waits.split(",")
    size, wait = sizes[len(sizes) // 2], waits[len(waits) // 2]
    return [*((each, wait) for each in sizes), *((size, each) for each in waits if each != wait)]


def described(comparison: Comparison) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "standings": [asdict(standing) for standing in comparison.standings],
        "trials": [asdict(trial) for trial in comparison.trials],
    }


def table(standings: Sequence[Standing]) -> str:
    """Markdown; the last column is our peak goodput over theirs."""
    ours = standings[0].goodput
    lines = [HEAD, ("---",) * len(HEAD), *(row(standing, ours) for standing in standings)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def row(standing: Standing, ours: float) -> tuple[str, ...]:
    """A contender's line."""
    goodput, rate = peak_goodput(standing.runs)
    ratio = "" if goodput == ours else f"{ours / goodput:.2f} x" if goodput else "-"
    found = standing.measured
    return (
        standing.name,
        f"{found.skipped:.3f}",
        f"{found.fidelity.psnr:.2f}",
        f"{found.fidelity.ssim:.4f}",
        f"{found.images_per_s:.3g}",
        f"{goodput:.3g}",
        f"{rate:.3g}",
        ratio,
    )


if __name__ == "__main__":
    main()
