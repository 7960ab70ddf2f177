"""``h2serve bench``: the committed numbers measured again, or a running server under load."""

import subprocess
import sys
from typing import Annotated, Literal

import typer

from server.cli.options import Json
from server.errors import SettingsError

Benchmark = Literal[
    "overhead",
    "throughput",
    "batches",
    "decoding",
    "http",
    "memory",
    "scrape",
    "presets",
    "checkpoints",
    "progress",
    "streams",
    "rate",
    "added",
    "orphans",
]


def bench(
    context: typer.Context,
    engine: Annotated[bool, typer.Option("--engine", help="cache, throughput, HTTP, memory")] = False,
    http: Annotated[bool, typer.Option("--http", help="progress events and many streams")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="the queue in Redis: rate, added, orphans")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="a running server; all other flags are those of python -m load_tests")
    ] = False,
    only: Annotated[Benchmark | None, typer.Option(help="one of --engine, --http or --queue")] = None,
    model: Annotated[
        str, typer.Option(help="of throughput, batches, decoding, presets, checkpoints")
    ] = "flux-nano",
    device: Annotated[
        str, typer.Option(help="of throughput, batches, decoding, presets, checkpoints: auto, cpu, cuda")
    ] = "cpu",
    simulate_workers: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="with --queue: how far one Redis goes with so many")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the numbers of docs/benchmarks.md, or load a running server."""
    if [engine, http, queue, serve].count(True) != 1:
        raise SettingsError("give one of --engine, --http, --queue and --serve")
    if serve:
        # A process of its own: the load tests import nothing of ours, and ours nothing of theirs.
        raise typer.Exit(subprocess.call([sys.executable, "-m", "load_tests", *context.args]))
    if context.args:
        raise SettingsError(f"bench has no {context.args[0][:40]!r} without --serve")
    if simulate_workers is not None and not queue:
        raise SettingsError("--simulate-workers is given without --queue")
    from server.bench.queue.table import print_queue_table, print_simulation
    from server.bench.streams.table import print_http_table
    from server.bench.table import print_table

    if engine:
        print_table(only, model, device, as_json)
    elif http:
        print_http_table(only, as_json)
    elif simulate_workers is not None:
        print_simulation(simulate_workers, as_json)
    else:
        print_queue_table(only, as_json)
