"""The command: run the arena's sweep of the default method, choose, write."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.calibrate.choice import choose
from server.calibrate.plot import draw
from server.calibrate.points import read_points
from server.calibrate.presets_file import write_presets
from server.errors import StartupError
from server.profile import ModelProfile, model_source

Runner = Callable[[Sequence[str]], int]
"""A command line to its exit code."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is asked for: a prompt a line, seeds 0 to ``seeds`` - 1; ``out`` is the TOML file."""

    profile: ModelProfile
    prompts: Path
    out: Path
    seeds: int
    steps: int | None
    device: str

    @property
    def num_steps(self) -> int:
        """The steps that presets are measured at."""
        return self.steps or self.profile.default_steps

    @property
    def work(self) -> Path:
        """The arena's folder, where a stopped run goes on; it refuses to with other prompts, seeds or device."""
        return self.out.with_name(f"{self.out.stem}-arena")


def calibrate(asked: Calibration, run: Runner = subprocess.call) -> None:
    """Measure, choose and write; the arena is a process of its own, which nothing of the server imports."""
    if run(arena_command(asked)) != 0:
        raise StartupError("the arena could not be run, it says why above")
    points = read_points(asked.work / "results.csv", asked.num_steps)
    chosen = choose(points)
    profile = asked.profile
    told = (
        f"Presets of the default method on {profile.name}, by `h2serve calibrate`.\n"
        f"{points[0].images} images a setting, {asked.num_steps} steps, "
        f"{profile.default_width}x{profile.default_height}, guidance {profile.default_guidance:g}, "
        f"device {asked.device}; against the uncached images."
    )
    write_presets(asked.out, chosen, profile.name, told)
    draw(asked.out.with_suffix(".png"), points, chosen)


def arena_command(asked: Calibration) -> list[str]:
    """The command line of the sweep."""
    profile = asked.profile
    return [
        *(sys.executable, "-m", "h2cache.arena", "--methods", "default"),
        *("--model", model_source(profile), "--prompts", str(asked.prompts), "--seeds", str(asked.seeds)),
        *("--steps", str(asked.num_steps), "--size", f"{profile.default_width}x{profile.default_height}"),
        *("--guidance", f"{profile.default_guidance:g}", "--device", asked.device, "--out", str(asked.work)),
    ]
