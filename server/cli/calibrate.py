"""``h2serve calibrate``: presets measured on the user's own model and prompts."""

import json
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Json


def calibrate(
    prompts: Annotated[Path, typer.Option(help="a prompt a line, UTF-8")],
    out: Annotated[Path, typer.Option(help="the TOML file; a plot goes beside it")],
    model: Annotated[str, typer.Option(help="a profile's name, a diffusers folder or a hub id")] = "flux-nano",
    seeds: Annotated[int, typer.Option(help="seeds 0 to N - 1 for each prompt")] = 1,
    steps: Annotated[int | None, typer.Option(help="denoising steps (the model's default)")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    as_json: Json = False,
) -> None:
    """Measure presets on your own model and prompts, and write them."""
    from server.calibrate.command import Calibration
    from server.calibrate.command import calibrate as measure_and_write
    from server.profile import load_profile

    measure_and_write(Calibration(load_profile(model), prompts, out, seeds, steps, device))
    said = f"h2serve: wrote {out}; serve it with `h2serve serve --presets {out}`"
    typer.echo(json.dumps({"file": str(out)}) if as_json else said)
