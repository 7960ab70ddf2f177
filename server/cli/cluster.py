"""``h2serve cluster``: the distributed mode on one machine, to try it out."""

from pathlib import Path
from typing import Annotated

import typer


def cluster(
    port: Annotated[int, typer.Option(help="of the API")] = 8000,
    workers: Annotated[int, typer.Option(help="worker processes", min=0)] = 2,
    model: Annotated[str, typer.Option(help="a profile's name, a diffusers folder or a hub id")] = "flux-nano",
    folder: Annotated[Path, typer.Option(help="where Redis keeps its data")] = Path(".cluster"),
) -> None:
    """Start Redis, one API and some workers on this machine, until Ctrl-C."""
    from server.cluster.local import run_local

    run_local(port, workers, ["--model", model], folder, typer.echo)
