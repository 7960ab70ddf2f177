"""Which models the settings name, and what their presets are called in the metrics."""

from pathlib import Path

from server.calibrate.presets_file import read_presets
from server.catalogue import Catalogue
from server.metrics.thresholds import ThresholdRule, threshold_rule
from server.profile import ModelProfile, load_profile, with_presets
from server.settings import Settings


def served_profile(settings: Settings) -> ModelProfile:
    """The model's profile, with the presets of a calibration where the settings name one."""
    profile = load_profile(settings.model)
    return (
        with_presets(profile, read_presets(Path(settings.presets), profile.name)) if settings.presets else profile
    )


def served_models(settings: Settings) -> Catalogue:
    """What an API process accepts without having heard of a worker: its own model, and further ones."""
    first = served_profile(settings)
    further = [load_profile(name) for name in settings.further_models.split()]
    return Catalogue((first, *(profile for profile in further if profile.name != first.name)))


def label_rule(settings: Settings, *profiles: ModelProfile) -> ThresholdRule:
    """Which labels thresholds get in the metrics, the first models' presets before the others'."""
    presets = [
        (name, (preset.tau1, preset.tau2)) for profile in profiles for name, preset in profile.presets.items()
    ]
    return threshold_rule(presets, settings.tau_pairs, settings.tau1_edges, settings.tau2_edges)
