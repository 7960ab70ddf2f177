"""The training settings, read from settings.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS_FILE = Path(__file__).parent / "settings.toml"


@dataclass(frozen=True)
class VaeSettings:
    """The autoencoder: share of the time budget, size and recipe."""

    share: float
    channels: int
    encoder_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]
    batch: int
    learning_rate: float
    latent_noise: float
    bank_scenes: int


@dataclass(frozen=True)
class FluxSettings:
    """The transformer and the text encoders: size and recipe."""

    share: float
    double_blocks: int
    single_blocks: int
    heads: int
    head_width: int
    batch: int
    muon_rate: float
    adam_rate: float
    hold: float
    ema: float
    text_dropout: float
    object_weight: float
    reader_weight: float
    pair_share: float
    bank_scenes: int
    other_sizes: tuple[tuple[int, int], ...]
    other_size_scenes: int
    other_size_share: float


@dataclass(frozen=True)
class WordSettings:
    """What the text encoder is taught before and beside the images; ``weight`` is of its loss beside them."""

    share: float
    batch: int
    rate: float
    weight: float


@dataclass(frozen=True)
class DistilSettings:
    """The stage that puts classifier-free guidance into its embedding; it comes in over ``rise`` of sigma."""

    share: float
    batch: int
    muon_rate: float
    adam_rate: float
    hold: float
    lowest: float
    highest: float
    rise: float


@dataclass(frozen=True)
class DecoderSettings:
    """The autoencoder's second stage, which sharpens what it draws."""

    share: float
    rate: float
    latent_noise: float


@dataclass(frozen=True)
class NanoSettings:
    """Everything in settings.toml."""

    vae: VaeSettings
    words: WordSettings
    flux: FluxSettings
    distil: DistilSettings
    decoder: DecoderSettings


def load_settings(path: Path = SETTINGS_FILE) -> NanoSettings:
    """Read the file; a missing or unknown key is a TypeError that names it."""
    with path.open("rb") as file:
        tables = {name: {k: _frozen(v) for k, v in table.items()} for name, table in tomllib.load(file).items()}
    return NanoSettings(
        VaeSettings(**tables["vae"]),
        WordSettings(**tables["words"]),
        FluxSettings(**tables["flux"]),
        DistilSettings(**tables["distil"]),
        DecoderSettings(**tables["decoder"]),
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
