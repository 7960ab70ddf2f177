"""``python docker/requirements.py api|worker``: what an image needs of pyproject.toml's packages."""

import sys
import tomllib
from pathlib import Path

NEEDS_TORCH = ("accelerate", "diffusers", "transformers")
"""Of the server's packages, those that only a worker uses."""


def requirements(target: str, pyproject: Path) -> list[str]:
    """Lines of a requirements file."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    server: list[str] = project["optional-dependencies"]["server"]
    if target == "worker":
        return [*project["dependencies"], *server]
    return [line for line in server if not line.startswith(NEEDS_TORCH)]


def main() -> None:
    """pyproject.toml lies beside this file in a build, and above it in the repository."""
    here = Path(__file__).parent
    found = next(path for path in (here / "pyproject.toml", here.parent / "pyproject.toml") if path.is_file())
    if sys.argv[1:] not in (["api"], ["worker"]):
        sys.exit("usage: requirements.py api|worker")
    sys.stdout.write("\n".join(requirements(sys.argv[1], found)) + "\n")


if __name__ == "__main__":
    main()
