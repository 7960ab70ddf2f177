"""Rules and samples for tests of the engine."""

from typing import Any

from server.engine.interface import SampleOrder
from server.engine.loader import LoadedModel
from server.engine.prepare import prepare
from server.engine.sample import Sample
from server.engine.text_encoder import TextEncoder
from server.request import CacheChoice
from tests.tiny_flux import TEXT_LENGTH


def rule(tau1: float, tau2: float, **guards: Any) -> CacheChoice:
    return CacheChoice("custom", tau1, tau2, **guards, method="paper")


def prepared(model: LoadedModel, wanted: SampleOrder) -> Sample:
    return prepare(model, TextEncoder(model, TEXT_LENGTH, 2**20), wanted)
