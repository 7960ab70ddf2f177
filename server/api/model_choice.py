"""Which model a request means."""

from collections.abc import Mapping
from typing import Any

from server.api.fields import text
from server.api.quoting import quoted
from server.catalogue import Catalogue
from server.errors import UnknownModel
from server.profile import ModelProfile

MOST_NAMED = 12
"""In a message."""


def chosen_model(body: Mapping[str, Any], catalogue: Catalogue) -> ModelProfile:
    """By ``model``; absent means the default. Raises RequestError, and UnknownModel for one that nobody serves."""
    name = text(body, "model")
    return catalogue.default if name is None else known_model(name, catalogue)


def known_model(name: str, catalogue: Catalogue) -> ModelProfile:
    """By name or alias. Raises UnknownModel."""
    found = catalogue.find(name)
    if found is None:
        names = [profile.name for profile in catalogue.profiles]
        allowed = f"allowed {'is' if len(names) == 1 else 'are'} {', '.join(names[:MOST_NAMED])}"
        raise UnknownModel(f"model {quoted(name)} is not served here, {allowed}", "model")
    return found


def model_of(name: str, catalogue: Catalogue) -> ModelProfile:
    """Of a job that was accepted; the default's stands in where its model is no longer known."""
    return catalogue.find(name) or catalogue.default
