"""``h2serve doctor``: what is there, what is missing, what fits."""

import json
import os
from typing import Annotated

import typer

from server.cli.options import Device, Json, Model

MARKS = {"good": ("✓", "green"), "note": ("!", "yellow"), "bad": ("✗", "bold red")}


def doctor(
    model: Model = None,
    device: Device = None,
    load: Annotated[bool, typer.Option("--load", help="load the model, and say how many images fit")] = False,
    as_json: Json = False,
) -> None:
    """Say what this machine has for the server, and what is wrong; exit code 1 where something is."""
    from rich.console import Console
    from rich.table import Table

    # Read when transformers is imported, see serve.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from server.cli.checkup import examine

    flags = {"model": model, "device": device}
    given = {name: value for name, value in flags.items() if value is not None}
    findings = examine(given, os.environ, load)
    if as_json:
        typer.echo(json.dumps([{"what": one.what, "state": one.state, "said": one.said} for one in findings]))
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for one in findings:
            mark, style = MARKS[one.state]
            table.add_row(f"[{style}]{mark}[/]", one.what, one.said)
        Console(highlight=False).print(table)
    if any(one.state == "bad" for one in findings):
        raise typer.Exit(1)
