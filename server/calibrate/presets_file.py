"""Presets as a TOML file: written by the calibration, read by the server."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from server.calibrate.choice import TARGETS
from server.calibrate.points import Point
from server.errors import SettingsError
from server.profile import Preset


def write_presets(path: Path, chosen: Mapping[str, Point], model: str, told: str) -> None:
    """``model`` is the name of what was measured; ``told`` is the comment at the top, with all else."""
    lines = [*(f"# {line}" for line in told.splitlines()), f'model = "{model}"']
    for name, point in chosen.items():
        target = TARGETS[name]
        lines += [
            "",
            f"[presets.{name}]  # wanted: SSIM >= {target.ssim:g}, FLIP <= {target.flip:g}",
            'method = "default"',
            f"tau1 = {point.tau1:g}",
            f"tau2 = {point.tau2:g}",
            f"measured_flops_ratio = {point.flops_ratio:.4f}",
            f"measured_seconds_ratio = {point.seconds_ratio:.4f}",
            f"measured_psnr_db = {point.psnr_db:.2f}",
            f"measured_ssim = {point.ssim:.4f}",
            f"measured_flip = {point.flip:.4f}",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_presets(path: Path, model: str) -> dict[str, Preset]:
    """The presets of a file for a model, with figures where they were measured on that one.

    Raises SettingsError, which names the first thing that is wrong.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"presets file {str(path)!r} cannot be read: {error}") from error
    presets, measured_on = said.pop("presets", None), said.pop("model", None)
    if said or not isinstance(presets, dict) or not presets:
        raise SettingsError(f"presets file {str(path)!r} has no [presets.NAME], or something else besides")
    try:
        read = {name: Preset.model_validate(preset) for name, preset in presets.items()}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(f"presets file {str(path)!r}: {where}: {first['msg']}") from error
    return read if measured_on == model else {name: preset.without_figures() for name, preset in read.items()}
