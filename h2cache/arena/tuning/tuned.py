"""What a search chose, as a file: one a model and number of steps, committed for flux-nano."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from h2cache.arena.calibration.fit import Fit
from h2cache.arena.fit_files import steps_path
from h2cache.arena.setting import Setting
from h2cache.arena.tuning.searches import searches_of
from h2cache.errors import H2CacheError

SEARCH = ("search", "own")
"""``ranking.TUNED`` in the label."""
COMMITTED = Path(__file__).parent / "chosen"


@dataclass(frozen=True)
class Tuned:
    """Labels by method, and the hashes of the prompts that they were chosen on."""

    model: str
    steps: int
    tuning: tuple[str, ...]
    chosen: Mapping[str, tuple[str, ...]]


def tuned_of(folder: Path | None, model: str, fit: Fit | None, steps: int) -> Tuned | None:
    """A folder's, or the committed one of the model; None where there is no fit, or none committed.

    Raises H2CacheError where a folder has none for this number of steps, or one that was chosen on other prompts,
    or with another model, than the fit.
    """
    path = steps_path(COMMITTED / model if folder is None else folder, steps)
    if folder is not None and not path.exists():
        raise H2CacheError(f"{str(path)!r} is not there; python -m h2cache.arena.tuning --steps {steps} makes it")
    if fit is None or not path.exists():
        return None
    tuned = read_tuned(path)
    if (tuned.model, tuned.tuning) == (model, fit.tuning):
        return tuned
    if folder is None:
        return None
    raise H2CacheError(
        f"{str(path)!r} was chosen with another model, or on other prompts than the fit; search anew"
    )


def write_tuned(path: Path, tuned: Tuned) -> None:
    """As TOML."""
    lines = [
        "# Written by: python -m h2cache.arena.tuning",
        f"model = {json.dumps(tuned.model)}",
        f"steps = {tuned.steps}",
        *("tuning = [", *(f"    {json.dumps(each)}," for each in tuned.tuning), "]"),
        *("", "[chosen]"),
    ]
    for method, labels in tuned.chosen.items():
        lines += [f"{method} = [", *(f"    {json.dumps(label)}," for label in labels), "]"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_tuned(path: Path) -> Tuned:
    """What ``write_tuned`` wrote. Raises H2CacheError for any other file."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        chosen = {method: tuple(labels) for method, labels in said["chosen"].items()}
        return Tuned(said["model"], said["steps"], tuple(said["tuning"]), chosen)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise H2CacheError(f"{str(path)!r} is no file of the arena's tuning: {error}") from error


def settings_of_tuned(names: Sequence[str], fit: Fit, tuned: Tuned) -> list[Setting]:
    """What was chosen of some methods, said to be so. Raises H2CacheError where it is in no search any more."""
    known = {(one.name, one.label): one for own in searches_of(fit).values() for one in own}
    found = []
    for name in names:
        for label in tuned.chosen.get(name, ()):
            if (name, label) not in known:
                raise H2CacheError(f"{name} {label!r} was chosen and is in no search; search anew")
            setting = known[name, label]
            shown = setting.parameters if setting.shown is None else setting.shown
            found.append(replace(setting, shown=(*shown, SEARCH)))
    return found
