"""Tiny random pipelines, loaded once, and engines that record what they say."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from server.engine.interface import (
    BatchStepped,
    EngineEvent,
    EngineLimits,
    SampleDropped,
    SampleFailed,
    SampleFinished,
    SampleOrder,
    SampleStepped,
)
from server.engine.loader import LoadedModel, load_model
from server.engine.step_engine import StepEngine
from server.request import CacheChoice
from tests.tiny_flux import TEXT_LENGTH, save_tiny_fill, save_tiny_flux, save_tiny_kontext
from tests.tiny_flux2 import save_tiny_dev, save_tiny_klein

OFF = CacheChoice("off", None, None, method="off")
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


def order(sample_id: str, **changes: Any) -> SampleOrder:
    """A small order; the cache is off unless said otherwise."""
    values: dict[str, Any] = {"prompt": "a red cat", "width": 64, "height": 64, "steps": 4, "guidance": 3.5}
    values |= {"seed": 7, "cache": OFF, **changes}
    return SampleOrder(sample_id, **values)


@dataclass
class Recorder:
    """An engine's listener and observer; tests wait for what they need."""

    events: list[EngineEvent] = field(default_factory=list)
    batches: list[BatchStepped] = field(default_factory=list)
    change: threading.Condition = field(default_factory=threading.Condition)

    def listen(self, event: EngineEvent) -> None:
        with self.change:
            self.events.append(event)
            self.change.notify_all()

    def observe(self, step: BatchStepped) -> None:
        with self.change:
            self.batches.append(step)
            self.change.notify_all()

    def wait(self, is_so: Callable[[], bool]) -> None:
        with self.change:
            assert self.change.wait_for(is_so, timeout=60), self.events

    def ends(self, sample_id: str | None = None) -> list[EngineEvent]:
        return [
            event
            for event in self.events
            if not isinstance(event, SampleStepped) and sample_id in (None, event.sample_id)
        ]

    def steps(self, sample_id: str) -> int:
        return sum(isinstance(event, SampleStepped) and event.sample_id == sample_id for event in self.events)

    def finished(self, sample_id: str) -> SampleFinished:
        """Wait for the sample's end, which has to be an image."""
        self.wait(lambda: bool(self.ends(sample_id)))
        (end,) = self.ends(sample_id)
        assert isinstance(end, SampleFinished), end
        return end

    def failed(self, sample_id: str) -> SampleFailed:
        self.wait(lambda: bool(self.ends(sample_id)))
        (end,) = self.ends(sample_id)
        assert isinstance(end, SampleFailed), end
        return end

    def dropped(self, sample_id: str) -> SampleDropped:
        self.wait(lambda: bool(self.ends(sample_id)))
        (end,) = self.ends(sample_id)
        assert isinstance(end, SampleDropped), end
        return end


Started = tuple[StepEngine, Recorder]
Start = Callable[..., Started]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start engines that are stopped at the test's end."""
    engines: list[StepEngine] = []

    def start(model: LoadedModel, limits: EngineLimits = LIMITS, **options: Any) -> Started:
        engine, recorder = StepEngine(model, limits, **options), Recorder()
        engine.start(recorder.listen, recorder.observe)
        engines.append(engine)
        return engine, recorder

    yield start
    for engine in engines:
        engine.stop(0.0)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
