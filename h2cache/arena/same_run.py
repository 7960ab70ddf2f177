"""run.json: what a folder's rows are of, so that a run which goes on there is the same one."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from h2cache.errors import H2CacheError

Asked = Mapping[str, str | int | float | None]
"""What all rows of a folder share; a number of steps, a method or a setting is a row's own."""


def refuse_another(path: Path, asked: Asked, free: Sequence[str] = ()) -> None:
    """Raises H2CacheError where the file has something else than is asked, but for what is ``free``.

    A folder without the file, which older runs left, is taken over by whoever goes on in it.
    """
    known = _read(path)
    if known is None:
        return
    differs = [
        f"{name} {_shown(known.get(name))} there, {_shown(value)} here"
        for name, value in asked.items()
        if known.get(name) != value and name not in free
    ]
    if differs:
        told = "; ".join(differs)
        raise H2CacheError(
            f"{str(path.parent)!r} has another run: {told}; give another --out, or delete that folder"
        )


def keep(path: Path, asked: Asked) -> None:
    """Write the file, and its folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, object] | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise H2CacheError(f"{str(path)!r} is no file of the arena's: {error}") from error
    if not isinstance(said, dict):
        raise H2CacheError(f"{str(path)!r} is no file of the arena's: it has no names")
    return said


def _shown(value: object) -> str:
    """Of a hash as much as tells two apart."""
    said = "none" if value is None else str(value)
    return said[:15] if said.startswith("sha256:") else said[:120]
