"""The committed model, with the cache off: the engine makes FluxPipeline's image."""

from pathlib import Path

import numpy as np
import pytest

from server.engine.loader import LoadedModel, load_model
from tests.engine.conftest import LIMITS, Start, order
from tests.engine.test_equals_pipeline import pipeline_pixels, pixels_of

NANO = Path(__file__).parents[2] / "nano" / "flux-nano"
ORDERS = [
    order("default", prompt="a small red circle at the left on a blue background", width=128, height=128, steps=6),
    order("tall", prompt="a red star above a cyan ring on a black background", width=64, height=96, guidance=1.0),
]


@pytest.fixture(scope="module")
def nano() -> LoadedModel:
    return load_model(str(NANO), device="cpu")


def test_flux_nano_s_images_are_the_pipeline_s(nano: LoadedModel, start: Start) -> None:
    engine, recorder = start(nano, LIMITS)
    for wanted in ORDERS:
        engine.submit(wanted)
    for wanted in ORDERS:
        ours = pixels_of(recorder.finished(wanted.sample_id))
        assert np.abs(ours - pipeline_pixels(nano, wanted)).max() <= 1
        assert ours.std() > 10
