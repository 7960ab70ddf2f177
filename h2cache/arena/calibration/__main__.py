"""``python -m h2cache.arena.calibration``: fit, write the files, run no contest."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from h2cache.arena.__main__ import add_model_flags, numbers, size
from h2cache.arena.calibration.fit import PROMPTS, calibrate
from h2cache.arena.fit_files import steps_path, write_fit
from h2cache.arena.prompts import read_prompts
from h2cache.arena.studio import model_name, open_studio
from h2cache.errors import H2CacheError


def main(words: Sequence[str] | None = None) -> None:
    """Exit code 0 on success, 2 with one line on what was asked wrongly."""
    top = argparse.ArgumentParser(prog="python -m h2cache.arena.calibration", description="Coefficients, fitted.")
    add_model_flags(top)
    top.add_argument("--prompts", type=Path, required=True, help=f"tuning prompts; the first {PROMPTS} are run")
    top.add_argument("--out", type=Path, required=True, help="folder of the files, one a number of steps")
    arguments = top.parse_args(words)
    try:
        prompts, steps = read_prompts(arguments.prompts), numbers(arguments.steps)
        width, height = size(arguments.size)
        studio = open_studio(arguments.model, width, height, arguments.guidance, arguments.device, None)
        for number in steps:
            path = steps_path(arguments.out, number)
            write_fit(path, calibrate(studio, model_name(arguments.model), prompts, number))
            sys.stdout.write(f"{path}\n")
    except H2CacheError as error:
        sys.stderr.write(f"calibration: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
