"""``h2serve plan``: how many workers a rate of requests needs."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.options import Key

if TYPE_CHECKING:
    from server.plan.forecast import Forecast


def plan(
    rate: Annotated[float, typer.Option(help="requests a second, of one image each", min=1e-6)],
    p99: Annotated[float, typer.Option(help="seconds within which 99 % of the images shall be there", min=1e-6)],
    preset: Annotated[
        str | None, typer.Option(help="off, paper, or a preset of the model (balanced); not with --url")
    ] = None,
    gpu: Annotated[str | None, typer.Option(help="a GPU of config/gpus.toml: published figures")] = None,
    step_times: Annotated[
        str | None, typer.Option(help="your own, without a cache, as samples:seconds: 1:0.14,8:1.1")
    ] = None,
    url: Annotated[
        list[str] | None,
        typer.Option(help="a running server, whose metrics have them; of a distributed one its APIs and workers"),
    ] = None,
    key: Key = None,
    model: Annotated[
        str | None,
        typer.Option(help="whose steps and presets are meant (black-forest-labs/FLUX.1-dev); not with --url"),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help="denoising steps (with --url those measured, else the model's default)", min=1),
    ] = None,
    max_batch: Annotated[int, typer.Option(help="samples in one forward at most", min=1)] = 8,
    encode: Annotated[
        float | None, typer.Option(help="seconds of text encoding an image (measured, else 0)", min=0)
    ] = None,
    decode: Annotated[float | None, typer.Option(help="seconds of decoding an image (likewise)", min=0)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Say how many workers a rate of requests needs."""
    from server.cli.plan_times import Asked, times_of
    from server.plan.forecast import fleets
    from server.plan.workload import Fleet, Workload

    times = times_of(Asked(model, steps, preset, gpu, step_times, url or (), key, (encode, decode)))
    load = Workload(rate, times.steps, times.encode_s, times.decode_s, times.computed)
    tried = list(fleets(load, Fleet(1, max_batch, times.step), p99))
    if as_json:
        typer.echo(json.dumps({"fleets": [asdict(each) for each in tried], "remarks": times.remarks}))
    else:
        _print(tried, p99, times.remarks)


def _print(tried: "list[Forecast]", p99: float, remarks: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("workers", "used", "images/s", "p50 s", "p90 s", "p99 s", f"p99 <= {p99:g} s")
    for each in tried:
        seconds = [f"{value:.2f}" for value in (each.p50_s, each.p90_s, each.p99_s)]
        is_kept = "yes" if each.p99_s <= p99 else "no"
        table.add_row(str(each.workers), f"{each.utilisation:.0%}", f"{each.images_per_s:.2f}", *seconds, is_kept)
    console = Console()
    console.print(table)
    for remark in remarks:
        console.print(f"- {remark}", soft_wrap=True, highlight=False)
