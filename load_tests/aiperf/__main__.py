"""``python -m load_tests.aiperf``: run aiperf against a server under a mix, and keep what it says."""

import argparse
import asyncio
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from load_tests.aiperf.command import Judged, command_for, write_prompts
from load_tests.errors import LoadTestError, told_in_one_line
from load_tests.files import write_json
from load_tests.flags import positive, positive_number, target_parser
from load_tests.machine import describe_commit, describe_machine, said_by
from load_tests.mix import load_mix
from load_tests.server_facts import describe_server
from load_tests.target import checked_url

KEPT = ("profile_export_aiperf.csv", "profile_export_console.txt")
PROVENANCE = "provenance.json"
VERSION = "from importlib.metadata import version; print(version('aiperf'))"


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 when aiperf's is, 2 with one line where it cannot start."""
    given = list(sys.argv[1:] if words is None else words)
    with told_in_one_line("aiperf", Console(stderr=True)):
        judge(parser().parse_args(given), f"python -m load_tests.aiperf {shlex.join(given)}")


def parser() -> argparse.ArgumentParser:
    """All flags."""
    top = target_parser("load_tests.aiperf", __doc__)
    top.add_argument("--model", default="flux-nano", help="the served model's name (flux-nano)")
    top.add_argument("--tokenizer", default="nano/flux-nano/tokenizer_2", help="a folder (flux-nano's)")
    top.add_argument("--rate", type=positive_number, default=2.0, help="requests a second, Poisson (2)")
    top.add_argument("--requests", type=positive, default=300, help="so many (300)")
    top.add_argument(
        "--slo", type=positive_number, default=10.0, help="seconds within which an answer is good (10)"
    )
    top.add_argument("--aiperf", default=".venv-aiperf/bin/aiperf", help="its command, of make aiperf")
    top.add_argument("--out", type=Path, default=Path("aiperf"), help="where its tables are put (aiperf)")
    return top


def judge(arguments: argparse.Namespace, asked: str) -> None:
    """Raises LoadTestError where aiperf is not there or fails. ``asked`` is our command line."""
    url, mix = checked_url(arguments.url, arguments.i_own_this_server), load_mix(arguments.mix)
    judged = Judged(url, arguments.model, arguments.tokenizer, arguments.rate, arguments.requests, arguments.slo)
    provenance = describe(url, arguments.aiperf, asked)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        command = command_for(arguments.aiperf, judged, mix, write_prompts(mix, place), place / "out")
        try:
            code = subprocess.run(command, check=False).returncode
        except OSError as error:
            raise LoadTestError(f"{arguments.aiperf} cannot be run: {error.strerror}: make aiperf") from error
        if code:
            raise LoadTestError(f"aiperf ended with {code}")
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            (arguments.out / name).write_bytes((place / "out" / name).read_bytes())
        write_json(arguments.out / PROVENANCE, provenance)


def describe(url: str, aiperf: str, asked: str) -> dict[str, Any]:
    """Where a table came from; aiperf's version is asked of the Python beside it, None where there is none."""

    async def ask() -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=url) as client:
            return await describe_server(client)

    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": asked,
        "aiperf": said_by([str(Path(aiperf).with_name("python")), "-c", VERSION]),
        "code": describe_commit(Path.cwd()),
        "machine": describe_machine(),
        "server": asyncio.run(ask()),
    }


if __name__ == "__main__":
    main()
