"""``h2serve bench``: the committed numbers, measured again."""

from typing import Annotated, Literal

import typer

Benchmark = Literal["overhead", "throughput", "http", "memory", "scrape", "presets", "checkpoints"]


def bench(
    engine: Annotated[bool, typer.Option("--engine", help="cache, throughput, HTTP, memory")],
    only: Annotated[Benchmark | None, typer.Option(help="one of them")] = None,
    model: Annotated[str, typer.Option(help="of throughput, presets and checkpoints")] = "flux-nano",
    device: Annotated[str, typer.Option(help="of throughput, presets, checkpoints: auto, cpu, cuda")] = "cpu",
) -> None:
    """Measure the numbers of docs/benchmarks.md."""
    from server.bench.table import print_table

    print_table(only, model, device)
