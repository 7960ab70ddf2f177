"""What ``h2serve compare`` does: the same request under one rule after the other."""

import base64
from typing import Any
from urllib.parse import urlencode

import httpx
from rich.console import Console
from rich.table import Table

from server.cli.sheet import Shot
from server.cli.target import GENERATIONS, Target, ask, open_target
from server.fidelity import psnr

WARM_UP_STEPS = 2


async def take_shots(target: Target, body: dict[str, Any], console: Console) -> list[Shot]:
    """An image a rule, one after the other; the first is the uncached one, which the others are held against."""
    async with open_target(target) as client:
        of_model = {key: body[key] for key in ("model",) if key in body}
        presets = (await ask(client, "GET", f"/v1/presets?{urlencode(of_model)}"))["data"]
        # The first request of a process pays for what later ones find ready.
        await ask(client, "POST", GENERATIONS, {**body, "num_inference_steps": WARM_UP_STEPS})
        shots: list[Shot] = []
        names = sorted((preset["id"] for preset in presets), key=lambda name: (name != "off", name != "paper"))
        with console.status("drawing ...") as status:
            for name in names:
                status.update(f"drawing under {name} ...")
                shots.append(await take_shot(client, body, name, shots[0].image if shots else None))
        return shots


async def take_shot(client: httpx.AsyncClient, body: dict[str, Any], preset: str, exact: bytes | None) -> Shot:
    """The image under one preset; ``exact`` is the uncached one, None for itself."""
    answer = await ask(client, "POST", GENERATIONS, {**body, "cache": preset})
    image, timings = base64.b64decode(answer["data"][0]["b64_json"]), answer["timings"]
    return Shot(
        preset,
        image,
        seconds=(timings["total_ms"] - timings["queue_ms"]) / 1000,
        skipped=1 - answer["cache"]["flops_ratio"],
        psnr_db=None if exact is None else psnr(image, exact),
        cache=answer["cache"],
    )


def table_of(shots: list[Shot]) -> Table:
    """The numbers below the images."""
    table = Table("rule", "seconds", "faster", "work skipped", "PSNR", "full", "detail hits", "structure hits")
    for shot in shots:
        counts = (str(shot.cache[name]) for name in ("full", "detail_hits", "structure_hits"))
        table.add_row(
            shot.name,
            f"{shot.seconds:.2f}",
            f"{shots[0].seconds / shot.seconds:.2f}x" if shot.seconds else "-",
            f"{shot.skipped:.0%}",
            shot.fidelity,
            *counts,
        )
    return table
