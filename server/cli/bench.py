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
    "progress",
    "streams",
]


def bench(
    engine: Annotated[bool, typer.Option("--engine", help="cache, throughput, HTTP, memory")] = False,
    http: Annotated[bool, typer.Option("--http", help="progress events and many streams")] = False,
    only: Annotated[Benchmark | None, typer.Option(help="one of them")] = None,
    model: Annotated[str, typer.Option(help="of throughput, presets and checkpoints")] = "flux-nano",
    device: Annotated[str, typer.Option(help="of throughput, presets, checkpoints: auto, cpu, cuda")] = "cpu",
) -> None:
    """Measure the numbers of docs/benchmarks.md."""
    if engine == http:
        raise SettingsError("bench measures one of two, allowed are --engine and --http")
    if http:
        from server.bench.streams.table import print_http_table

        print_http_table(only)
    else:
        from server.bench.table import print_table

        print_table(only, model, device)
