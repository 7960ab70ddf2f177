"""``h2serve plan``: how many workers a rate of requests needs."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from server.plan.forecast import Forecast
    from server.plan.step_times import StepTimes
    from server.profile import ModelProfile


@dataclass(frozen=True)
class Times:
    """What to plan with, and where it is from; ``remarks`` are what a reader has to know of it."""

    step: "StepTimes"
    encode_s: float
    decode_s: float
    remarks: tuple[str, ...]


def plan(
    rate: Annotated[float, typer.Option(help="requests a second, of one image each", min=1e-6)],
    p99: Annotated[float, typer.Option(help="seconds within which 99 % of the images shall be there", min=1e-6)],
    preset: Annotated[str, typer.Option(help="off, paper, or a preset of the model")] = "balanced",
    gpu: Annotated[str | None, typer.Option(help="a GPU of config/gpus.toml: published figures")] = None,
    step_times: Annotated[
        str | None, typer.Option(help="your own, without a cache, as samples:seconds: 1:0.14,8:1.1")
    ] = None,
    url: Annotated[str | None, typer.Option(help="a running server, whose metrics have them")] = None,
    model: Annotated[str, typer.Option(help="whose steps and presets are meant")] = "black-forest-labs/FLUX.1-dev",
    steps: Annotated[int | None, typer.Option(help="denoising steps (the model's default)", min=1)] = None,
    max_batch: Annotated[int, typer.Option(help="samples in one forward at most", min=1)] = 8,
    encode: Annotated[float, typer.Option(help="seconds of text encoding an image", min=0)] = 0.0,
    decode: Annotated[float, typer.Option(help="seconds of decoding an image", min=0)] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Say how many workers a rate of requests needs."""
    from server.plan.forecast import fleets
    from server.plan.workload import Fleet, Workload
    from server.profile import load_profile

    profile = load_profile(model)
    times = _times(profile, preset, gpu, step_times, url, (encode, decode))
    load = Workload(rate, steps or profile.default_steps, times.encode_s, times.decode_s)
    tried = list(fleets(load, Fleet(1, max_batch, times.step), p99))
    if as_json:
        typer.echo(json.dumps({"fleets": [asdict(each) for each in tried], "remarks": times.remarks}))
    else:
        _print(tried, p99, times.remarks)


def _times(
    profile: "ModelProfile",
    preset: str,
    gpu: str | None,
    step_times: str | None,
    url: str | None,
    given: tuple[float, float],
) -> Times:
    """From exactly one of the three sources. Raises SettingsError."""
    from server.errors import SettingsError
    from server.plan.gpus import gpu_named
    from server.plan.share import share_of
    from server.plan.step_times import StepTimes, parse_step_times

    if [gpu, step_times, url].count(None) != 2:
        raise SettingsError("give one of --gpu, --step-times and --url")
    if url is not None:
        return _measured(url)
    share, remark = share_of(profile, preset)
    if gpu is None:
        return Times(parse_step_times(step_times or "").scaled(share), *given, (remark,))
    known = gpu_named(gpu)
    source = f"estimate: h2serve was never run on {gpu}; FLUX.1-dev at 1024x1024 by {known.source}"
    return Times(StepTimes({1: known.step_s}).scaled(share), *given, (source, remark))


def _measured(url: str) -> Times:
    """Of what the server has served so far, with the thresholds that its clients chose."""
    from urllib.error import URLError
    from urllib.request import urlopen

    from server.errors import SettingsError
    from server.plan.measured import mean_stage_s, mean_step_times, read_sums

    address = f"{url.rstrip('/')}/metrics"
    if not address.startswith(("http://", "https://")):
        raise SettingsError(f"url is {url[:64]!r}, allowed is one that begins with http:// or https://")
    try:
        with urlopen(address, timeout=10) as answer:
            sums = read_sums(answer.read().decode())
    except (URLError, TimeoutError, ValueError) as error:
        raise SettingsError(f"{address[:128]} cannot be read: {error}") from error
    encode_s, decode_s = mean_stage_s(sums, "encode"), mean_stage_s(sums, "decode")
    remark = f"measured by {address}: the sizes and thresholds of what it has served so far"
    return Times(mean_step_times(sums), encode_s, decode_s, (remark,))


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
