"""``h2serve compare``: one prompt and seed under several rules, in one picture."""

import asyncio
import json
import secrets
from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Device, Json, Key, ModelThereOrHere, Seed, Size, Steps, Url
from server.errors import StartupError


def compare(
    prompt: Annotated[str, typer.Argument(help="what to draw")],
    out: Annotated[Path, typer.Option("-o", "--out", help="the picture, PNG")] = Path("compare.png"),
    steps: Steps = None,
    seed: Seed = None,
    size: Size = None,
    url: Url = None,
    key: Key = None,
    model: ModelThereOrHere = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Draw the same seed under off, paper and the presets, with seconds, skipped share and PSNR below each."""
    from rich.console import Console

    from server.cli.sheet import draw_sheet
    from server.cli.shots import table_of, take_shots
    from server.cli.target import Target

    seed = secrets.randbelow(2**31) if seed is None else seed
    given = {
        "prompt": prompt,
        "seed": seed,
        "num_inference_steps": steps,
        "size": size,
        "output_format": "png",
        "model": None if url is None else model,
    }
    body = {name: value for name, value in given.items() if value is not None}
    console = Console(stderr=True, quiet=as_json)
    shots = asyncio.run(take_shots(Target(url, key, model, device), body, console))
    try:
        draw_sheet(prompt, seed, shots).save(out, "PNG")
    except OSError as error:
        raise StartupError(f"{out} cannot be written: {error.strerror or error}") from error
    console.print(table_of(shots))
    console.print(f"[bold]{out}[/bold], seed {seed}", highlight=False)
    if as_json:
        typer.echo(json.dumps({"file": str(out), "seed": seed, "rules": [shot.as_dict() for shot in shots]}))
