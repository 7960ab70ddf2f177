"""Options that several commands have, described once."""

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[str | None, typer.Option(help="a running server; without it the model is loaded here")]
Key = Annotated[str | None, typer.Option(envvar="H2SERVE_API_KEY", help="the API key of that server")]
Model = Annotated[str | None, typer.Option(help="a profile's name, a diffusers folder or a hub id (flux-nano)")]
ModelThereOrHere = Annotated[
    str | None,
    typer.Option(help="of the server at --url; else a profile's name, a diffusers folder or a hub id (flux-nano)"),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps (auto)")]
Dtype = Annotated[str | None, typer.Option(help="auto, float32, bfloat16 or float16 (auto)")]
MaxBatch = Annotated[int | None, typer.Option(help="samples in one forward at most (8)")]
MaxQueue = Annotated[int | None, typer.Option(help="images waiting at most (128)")]
Host = Annotated[str | None, typer.Option(help="address to listen on (127.0.0.1)")]
Port = Annotated[int | None, typer.Option(help="port to listen on, 0 for a free one (8000)")]
QueueRedis = Annotated[str | None, typer.Option("--redis", help="redis://HOST:PORT/DB of the queue")]
ResultsRedis = Annotated[str | None, typer.Option(help="of the images (the queue's)")]
Profile = Annotated[
    Path | None, typer.Option("--config", help="a TOML profile; the rest is as in config/default.toml")
]
Json = Annotated[bool, typer.Option("--json", help="say the outcome as JSON on standard output, nothing else")]
Steps = Annotated[int | None, typer.Option(help="denoising steps (the model's default)")]
Seed = Annotated[int | None, typer.Option(help="0 to 2^53 - 1 (drawn)")]
Size = Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels (the model's default)")]
