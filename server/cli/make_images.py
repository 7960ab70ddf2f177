"""What ``h2serve generate`` does: ask, show the steps, write the files, say what came of it."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape

from server.cli.follow import make_as_job
from server.cli.strip import JobStrip, Strips, draw_counts, legend
from server.cli.target import GENERATIONS, Target, ask, open_target
from server.errors import StartupError


async def make_images(target: Target, body: dict[str, Any], out: Path | None, console: Console) -> dict[str, Any]:
    """Make the images, write the files, and say what came of it."""
    strips, told = Strips(), JobStrip()
    if target.url is None:
        console.print(f"loading {target.model or 'the model'} ...", style="dim")
    async with open_target(target, strips.hear) as client:
        if target.url is None:
            console.print(legend())
            with Live(strips, console=console, refresh_per_second=8, transient=True):
                answer = await ask(client, "POST", GENERATIONS, body)
            console.print(strips)
        else:
            console.print(legend())
            with Live(told, console=console, refresh_per_second=8, transient=True):
                answer = await make_as_job(client, body, told.hear)
            for entry in answer["data"]:
                console.print(told if told.is_of(entry["cache"]) else draw_counts(entry["cache"]))
    files = write_images(answer, out)
    for file, entry in zip(files, answer["data"], strict=True):
        console.print(summary(file, answer["size"], entry), highlight=False)
    console.print(f"{answer['timings']['total_ms'] / 1000:.2f} s in all", style="dim", highlight=False)
    return outcome(files, answer)


def write_images(answer: dict[str, Any], out: Path | None) -> list[Path]:
    """A file an image. Raises StartupError where one cannot be written."""
    files = []
    for number, entry in enumerate(answer["data"], start=1):
        file = out or Path(f"h2serve-{entry['seed']}.{answer['output_format']}")
        if out and len(answer["data"]) > 1:
            file = out.with_stem(f"{out.stem}-{number}")
        try:
            file.write_bytes(base64.b64decode(entry["b64_json"]))
        except OSError as error:
            raise StartupError(f"{file} cannot be written: {error.strerror}") from error
        files.append(file)
    return files


def summary(file: Path, size: str, entry: dict[str, Any]) -> str:
    """What one image was and what the cache saved."""
    cache = entry["cache"]
    skipped = 1 - cache["flops_ratio"]
    return (
        f"[bold]{escape(str(file))}[/bold]  {size}  seed {entry['seed']}  {cache['preset']}: "
        f"{cache['steps']} steps, {cache['full']} full, {cache['detail_hits']} detail hits, "
        f"{cache['structure_hits']} structure hits; [bold]{skipped:.0%}[/bold] of the blocks' work skipped"
    )


def outcome(files: Sequence[Path], answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with the files' names where the images were."""
    images = [
        {"file": str(file), "seed": entry["seed"], "cache": entry["cache"]}
        for file, entry in zip(files, answer["data"], strict=True)
    ]
    return {**{name: answer[name] for name in ("model", "size", "timings", "cache")}, "images": images}
