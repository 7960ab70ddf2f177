"""``python docker/requirements.py api|worker [otel]``: what an image needs of pyproject.toml's packages."""

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

NEEDS_TORCH = ("accelerate", "diffusers", "transformers")
"""Of the server's packages, those that only a worker uses."""


def requirements(target: str, pyproject: Path, extras: Sequence[str] = ()) -> list[str]:
    """Lines of a requirements file. ``extras`` are names of pyproject.toml's."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    optional: dict[str, list[str]] = project["optional-dependencies"]
    further = [line for extra in extras for line in optional[extra]]
    if target == "worker":
        return [*project["dependencies"], *optional["server"], *further]
    return [line for line in optional["server"] if not line.startswith(NEEDS_TORCH)] + further


def main() -> None:
    """pyproject.toml lies beside this file in a build, and above it in the repository."""
    here = Path(__file__).parent
    found = next(path for path in (here / "pyproject.toml", here.parent / "pyproject.toml") if path.is_file())
    target, extras = sys.argv[1:2], sys.argv[2:]
    if target not in (["api"], ["worker"]) or extras not in ([], ["otel"]):
        sys.exit("usage: requirements.py api|worker [otel]")
    sys.stdout.write("\n".join(requirements(target[0], found, extras)) + "\n")


if __name__ == "__main__":
    main()
