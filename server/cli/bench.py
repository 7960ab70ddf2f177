"""``h2serve bench``: the committed numbers measured again, or a running server under load."""

import subprocess
import sys
from typing import Annotated, Literal

import typer

from server.errors import SettingsError

Benchmark = Literal[
    "overhead",
    "throughput",
    "http",
    "memory",
    "scrape",
    "presets",
    "checkpoints",
    "progress",
    "streams",
]


def bench(
    context: typer.Context,
    engine: Annotated[bool, typer.Option("--engine", help="cache, throughput, HTTP, memory")] = False,
    http: Annotated[bool, typer.Option("--http", help="progress events and many streams")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="a running server; all other flags are those of python -m load_tests")
    ] = False,
    only: Annotated[Benchmark | None, typer.Option(help="one of --engine or --http")] = None,
    model: Annotated[str, typer.Option(help="of throughput, presets and checkpoints")] = "flux-nano",
    device: Annotated[str, typer.Option(help="of throughput, presets, checkpoints: auto, cpu, cuda")] = "cpu",
) -> None:
    """Measure the numbers of docs/benchmarks.md, or load a running server."""
    if [engine, http, serve].count(True) != 1:
        raise SettingsError("give one of --engine, --http and --serve")
    if serve:
        # A process of its own: the load tests import nothing of ours, and ours nothing of theirs.
        raise typer.Exit(subprocess.call([sys.executable, "-m", "load_tests", *context.args]))
    if context.args:
        raise SettingsError(f"bench has no {context.args[0][:40]!r} without --serve")
    if http:
        from server.bench.streams.table import print_http_table

        print_http_table(only)
    else:
        from server.bench.table import print_table

        print_table(only, model, device)
