"""``h2serve generate``: a prompt to image files."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.options import Device, Json, Key, ModelThereOrHere, Seed, Size, Steps, Url
from server.errors import RequestError, StartupError

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


def generate(
    prompt: Annotated[str | None, typer.Argument(help="what to draw")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="PNG, JPEG or WebP file (h2serve-SEED.png)")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="off, paper, or a preset of the model")] = None,
    tau1: Annotated[float | None, typer.Option(help="threshold of structure; larger skips more")] = None,
    tau2: Annotated[float | None, typer.Option(help="threshold of detail")] = None,
    steps: Steps = None,
    guidance: Annotated[float | None, typer.Option(help="how closely to follow the prompt")] = None,
    seed: Seed = None,
    n: Annotated[int | None, typer.Option("-n", help="images, of seeds SEED, SEED + 1, ... (1)")] = None,
    size: Size = None,
    made_as: Annotated[
        Path | None, typer.Option("--from", help="an image of h2serve: the same again, but for what is given")
    ] = None,
    url: Url = None,
    key: Key = None,
    model: ModelThereOrHere = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Make images of a prompt; the strip shows how each step was taken."""
    from rich.console import Console

    from server.cli.make_images import make_images
    from server.cli.target import Target

    body = again(made_as) if made_as else {}
    given = {
        "prompt": prompt,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "seed": seed,
        "n": n,
        "size": size,
        "cache": cache_of(preset, tau1, tau2),
        "model": model,
        "output_format": format_of(out) if out else None,
    }
    body |= {name: value for name, value in given.items() if value is not None}
    if "prompt" not in body:
        raise RequestError("a prompt is missing, or --from with an image of h2serve")
    target = Target(url, key, body["model"] if "model" in body and url is None else model, device)
    if url is None:
        body.pop("model", None)
    said = asyncio.run(make_images(target, body, out, Console(stderr=True, quiet=as_json)))
    if as_json:
        typer.echo(json.dumps(said))


def again(image: Path) -> dict[str, Any]:
    """The request that an image file carries."""
    from server.image_metadata import INPUT_IMAGES, read_metadata

    try:
        request = dict(read_metadata(image.read_bytes()).request)
    except OSError as error:
        raise StartupError(f"{image} cannot be read: {error.strerror}") from error
    if INPUT_IMAGES in request:
        raise RequestError(f"{image.name} was made from an image that it does not hold")
    return request


def cache_of(preset: str | None, tau1: float | None, tau2: float | None) -> dict[str, Any] | None:
    """The request's ``cache``; None leaves the default."""
    said = {"preset": preset, "tau1": tau1, "tau2": tau2}
    return {name: value for name, value in said.items() if value is not None} or None


def format_of(out: Path) -> str:
    """The output format by the file's name."""
    if out.suffix.lower() not in FORMATS:
        raise RequestError(f"{out.name} is of no known format, allowed are {', '.join(FORMATS)}")
    return FORMATS[out.suffix.lower()]
