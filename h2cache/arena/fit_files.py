"""Fits as files: one a model and number of steps, written by ``--calibrate``, committed for flux-nano."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from h2cache.arena.calibration.fit import Fit
from h2cache.errors import H2CacheError

COMMITTED = Path(__file__).parent / "coefficients"


def committed_fit(model: str, steps: int) -> Fit | None:
    """The one that comes with the library; None where there is none for this model and number of steps."""
    path = steps_path(COMMITTED / model, steps)
    return read_fit(path) if path.exists() else None


def steps_path(folder: Path, steps: int) -> Path:
    """Where a folder has what was fitted or chosen for a number of steps."""
    return folder / f"{steps}.toml"


def write_fit(path: Path, fit: Fit) -> None:
    """As TOML, numbers with nine digits."""
    lines = [
        "# Written by: python -m h2cache.arena --calibrate FILE",
        f"model = {json.dumps(fit.model)}",
        f"steps = {fit.steps}",
        *("tuning = [", *(f"    {json.dumps(each)}," for each in fit.tuning), "]"),
        *("", "[teacache]", f"polynomial = {_list(fit.polynomial)}"),
        *("", "[magcache]", f"ratios = {_list(fit.ratios)}"),
        *("", "[sencache]", f"to_latents = {_list(fit.to_latents)}", f"to_time = {_list(fit.to_time)}"),
        f"times = {_list(fit.times)}",
    ]
    for threshold, pattern, gains in fit.rectified:
        lines += ["", "[[ertacache-like]]", f"change = {threshold:g}", f'pattern = "{pattern}"']
        lines += [f"gains = {_list(gains)}"]
    for name, schedules in (("procache", fit.non_increasing), ("mask", fit.masks)):
        for computed, pattern in schedules:
            lines += ["", f"[[{name}]]", f"computed = {computed}", f'pattern = "{pattern}"']
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_fit(path: Path) -> Fit:
    """What ``write_fit`` wrote. Raises H2CacheError for any other file, an older one without hashes too."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        return Fit(
            said["model"],
            said["steps"],
            tuple(said["tuning"]),
            tuple(said["teacache"]["polynomial"]),
            tuple(said["magcache"]["ratios"]),
            tuple(said["sencache"]["to_latents"]),
            tuple(said["sencache"]["to_time"]),
            tuple(said["sencache"]["times"]),
            tuple((each["change"], each["pattern"], tuple(each["gains"])) for each in said["ertacache-like"]),
            _schedules(said.get("procache", [])),
            _schedules(said["mask"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = f"{str(path)!r} is no file of --calibrate, or an older one; where it is deleted it is fitted anew"
        raise H2CacheError(f"{told}: {error}") from error


def _schedules(said: Iterable[dict[str, Any]]) -> tuple[tuple[int, str], ...]:
    return tuple((each["computed"], each["pattern"]) for each in said)


def _list(numbers: Iterable[float]) -> str:
    """Floats of TOML need a point or an exponent."""
    return "[" + ", ".join(repr(float(f"{number:.9g}")) for number in numbers) + "]"
