"""Options that several commands have, described once."""

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
Json = Annotated[bool, typer.Option("--json", help="say the outcome as JSON on standard output, nothing else")]
Steps = Annotated[int | None, typer.Option(help="denoising steps (the model's default)")]
Seed = Annotated[int | None, typer.Option(help="0 to 2^53 - 1 (drawn)")]
Size = Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels (the model's default)")]
