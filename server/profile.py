"""What a diffusers folder cannot say of its model: sizes, defaults, text length and presets.

One TOML file a model in ``config/models``, or ``h2serve.toml`` in the model's own folder. A folder without one
gets the values of the profile that stands in for its pipeline; a folder that names none, and a hub id, get those
of FLUX.1.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from server.errors import ModelLoadError, SettingsError
from server.request import PAPER_PAIR, ImageInput

ROOT = Path(__file__).parent.parent
"""The checkout: ``config/`` and ``nano/`` lie beside the packages, as an editable install leaves them."""
PROFILES = ROOT / "config" / "models"
FALLBACK = "flux1.toml"
OWN = "h2serve.toml"
"""In a model's folder."""


class Preset(BaseModel):
    """A named pair of thresholds with its method and guards, and what was measured with it on the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["default", "paper"] = "default"
    tau1: float = Field(ge=0, allow_inf_nan=False)
    tau2: float = Field(ge=0, allow_inf_nan=False)
    warmup: int = Field(0, ge=0)
    max_consecutive: int | None = Field(None, ge=0)
    last_full: bool = False
    measured_flops_ratio: float | None = None
    measured_seconds_ratio: float | None = None
    measured_psnr_db: float | None = None
    measured_ssim: float | None = None
    measured_flip: float | None = None

    def without_figures(self) -> "Preset":
        """The same on a model that it was not measured on."""
        return self.model_copy(
            update={name: None for name in type(self).model_fields if name.startswith("measured_")}
        )


PAPER_PRESET = Preset.model_validate({"method": "paper", "tau1": PAPER_PAIR[0], "tau2": PAPER_PAIR[1]})
"""What ``paper`` means on every model."""


class ModelProfile(BaseModel):
    """One served model, as the API has to know it. Sides in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    aliases: tuple[str, ...] = ()
    folder: str
    """A hub id, or a path: relative to the checkout, and then beginning with a dot."""
    stands_in_for: str = ""
    """The pipeline of diffusers whose folders without a profile get these values."""
    example_prompt: str
    min_side: int
    max_side: int
    side_multiple: int
    default_width: int
    default_height: int
    default_steps: int
    max_steps: int
    default_guidance: float
    max_guidance: float = 100.0
    guides_by_two: bool = False
    """A guidance above 1 takes a second row a step (classifier-free); the pipeline decides, as with images."""
    max_images: int = 10
    text_length: int
    image_input: ImageInput = ImageInput.START
    """How the model takes an input image; its pipeline decides, and this has to say the same."""
    max_input_images: int = 1
    default_preset: str
    quality: dict[str, str]
    presets: dict[str, Preset]

    @model_validator(mode="after")
    def _names_are_known(self) -> "ModelProfile":
        for name in (self.default_preset, *self.quality.values()):
            if name not in self.presets and name not in ("off", "paper"):
                raise ValueError(f"preset {name!r} is named but not given")
        return self

    @model_validator(mode="after")
    def _defaults_are_served(self) -> "ModelProfile":
        for side in (self.default_width, self.default_height):
            if not self.min_side <= side <= self.max_side or side % self.side_multiple:
                raise ValueError(f"default side {side} is not among the sides served")
        if not 1 <= self.default_steps <= self.max_steps:
            raise ValueError(f"default_steps {self.default_steps} is not from 1 to {self.max_steps}")
        return self


def load_profile(model: str, profiles: Path = PROFILES) -> ModelProfile:
    """The profile of a name, an alias, a folder or a hub id."""
    source, index = _source(model), _index_of(model)
    pipeline = str(index.get("_class_name"))
    if (own := Path(source) / OWN).is_file():
        return _read(own).model_copy(update={"folder": source})
    stand_in = None
    for path in sorted(profiles.glob("*.toml")):
        profile = _read(path)
        if model in (profile.name, *profile.aliases) or model_source(profile) == source:
            return profile
        if profile.stands_in_for == pipeline:
            stand_in = profile
    known = stand_in or _read(profiles / FALLBACK)
    presets = {name: preset.without_figures() for name, preset in known.presets.items()}
    changes = {"name": served_name(source), "aliases": (), "folder": source, "presets": presets}
    by_two = known.guides_by_two and not index.get("is_distilled")  # one pipeline, two kinds of weights
    return known.model_copy(update={**changes, "guides_by_two": by_two})


def with_presets(profile: ModelProfile, presets: Mapping[str, Preset]) -> ModelProfile:
    """The profile with presets added or replaced by their names; ``off`` and ``paper`` keep their meaning."""
    for name in presets:
        if name in ("off", "paper"):
            raise SettingsError(f"a preset is named {name!r}, which has a meaning of its own")
    return profile.model_copy(update={"presets": {**profile.presets, **presets}})


def check_image_input(profile: ModelProfile, image_input: ImageInput) -> None:
    """Hold what the API was told of the model against what its pipeline does. Raises ModelLoadError."""
    if profile.image_input is not image_input:
        raise ModelLoadError(
            f"model {profile.name} takes images as {image_input}, its profile says {profile.image_input}: a file "
            f"in config/models with folder = {profile.folder!r} and image_input = '{image_input}' cures it"
        )


def check_rows(profile: ModelProfile, guides_by_two: bool) -> None:
    """Hold what the API counts a request's cost by against what the pipeline does. Raises ModelLoadError."""
    if profile.guides_by_two is not guides_by_two:
        rows, allowed = ("2 rows", "true") if guides_by_two else ("1 row", "false")
        raise ModelLoadError(
            f"model {profile.name} takes {rows} a step where guidance is above 1, its profile says otherwise: a "
            f"file in config/models with folder = {profile.folder!r} and guides_by_two = {allowed} cures it"
        )


def served_name(source: str) -> str:
    """The last part of a folder or hub id, as clients can write it: letters, digits, dots, dashes, underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(source).name).strip("-.") or "model"


def model_source(profile: ModelProfile, root: Path = ROOT) -> str:
    """Where the weights are: an absolute path or a hub id. A path of the checkout never means the hub."""
    is_path = profile.folder.startswith((".", "/"))
    return str((root / profile.folder).resolve()) if is_path else profile.folder


def _source(model: str) -> str:
    """What was asked for as an absolute path, if it is or can only be a folder, else as it is: a hub id."""
    is_path = model.startswith((".", "/")) or Path(model).is_dir()
    return str(Path(model).resolve()) if is_path else model


def _index_of(model: str) -> Mapping[str, Any]:
    """A folder's index, which names its pipeline. What is wrong with a folder is said when it is loaded."""
    try:
        index = json.loads((Path(model) / "model_index.json").read_text())
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _read(path: Path) -> ModelProfile:
    try:
        return ModelProfile(**tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
