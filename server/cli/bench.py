"""``h2serve bench``: the committed numbers, measured again."""

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
    "rate",
    "added",
    "orphans",
]


def bench(
    engine: Annotated[bool, typer.Option("--engine", help="cache, throughput, HTTP, memory")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="the queue in Redis: rate, added, orphans")] = False,
    only: Annotated[Benchmark | None, typer.Option(help="one of them")] = None,
    model: Annotated[str, typer.Option(help="of throughput, presets and checkpoints")] = "flux-nano",
    device: Annotated[str, typer.Option(help="of throughput, presets, checkpoints: auto, cpu, cuda")] = "cpu",
    simulate_workers: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="with --queue: how far one Redis goes with so many")
    ] = None,
) -> None:
    """Measure the numbers of docs/benchmarks.md."""
    from server.bench.queue.table import print_queue_table, print_simulation
    from server.bench.table import print_table

    if engine == queue:
        raise SettingsError("bench measures one of two, allowed are --engine and --queue")
    if simulate_workers is not None and engine:
        raise SettingsError("--simulate-workers is given with --engine, allowed is --queue")
    if engine:
        print_table(only, model, device)
    elif simulate_workers is not None:
        print_simulation(simulate_workers)
    else:
        print_queue_table(only)
