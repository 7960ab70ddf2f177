"""Tiny random pipelines, loaded once, and engines that record what they say."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from server.engine.interface import EngineLimits
from server.engine.loader import LoadedModel, load_model
from server.engine.step_engine import StepEngine
from tests.recorder import OFF, Recorder, order
from tests.tiny_flux import TEXT_LENGTH, save_tiny_fill, save_tiny_flux, save_tiny_kontext
from tests.tiny_flux2 import save_tiny_dev, save_tiny_klein

__all__ = ["LIMITS", "OFF", "Recorder", "Start", "generator", "order"]
LIMITS = EngineLimits(max_batch=8, memory_budget_bytes=2**30, text_length=TEXT_LENGTH)


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """FLUX.1-dev's shape: guidance embedding, shift by resolution."""
    return load_model(str(save_tiny_flux(tmp_path_factory.mktemp("dev") / "flux")))


@pytest.fixture(scope="session")
def schnell(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """FLUX.1-schnell's shape: neither."""
    return load_model(str(save_tiny_flux(tmp_path_factory.mktemp("schnell") / "flux", guidance_embeds=False)))


@pytest.fixture(scope="session")
def klein(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """FLUX.2-klein base's shape: classifier-free guidance, two rows a sample."""
    return load_model(str(save_tiny_klein(tmp_path_factory.mktemp("klein") / "klein")))


@pytest.fixture(scope="session")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """FLUX.2-klein's shape: no guidance at all."""
    return load_model(str(save_tiny_klein(tmp_path_factory.mktemp("distilled") / "klein", is_distilled=True)))


@pytest.fixture(scope="session")
def flux2_dev(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """FLUX.2-dev's shape, with a Mistral: guidance embedding."""
    return load_model(str(save_tiny_dev(tmp_path_factory.mktemp("flux2") / "dev")))


@pytest.fixture(scope="session")
def kontext(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """FLUX.1 Kontext's shape: images to go by are tokens."""
    return load_model(str(save_tiny_kontext(tmp_path_factory.mktemp("kontext") / "flux")))


@pytest.fixture(scope="session")
def fill(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """FLUX.1 Fill's shape: the masked image and the mask are channels."""
    return load_model(str(save_tiny_fill(tmp_path_factory.mktemp("fill") / "flux")))


Started = tuple[StepEngine, Recorder]
Start = Callable[..., Started]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start engines that are stopped at the test's end."""
    engines: list[StepEngine] = []

    def start(
        model: LoadedModel, limits: EngineLimits = LIMITS, recorder: Recorder | None = None, **options: Any
    ) -> Started:
        engine, recorder = StepEngine(model, limits, **options), recorder or Recorder()
        engine.start(recorder.listen, recorder.observe)
        engines.append(engine)
        return engine, recorder

    yield start
    for engine in engines:
        engine.stop(0.0)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
