"""Which model a request means."""

from collections.abc import Mapping
from typing import Any

from server.api.fields import text
from server.api.parts import ApiParts
from server.api.quoting import quoted
from server.catalogue import Catalogue
from server.errors import NotReady, UnknownModel
from server.profile import ModelProfile

MOST_NAMED = 12
"""In a message."""


def chosen_model(parts: ApiParts, body: Mapping[str, Any]) -> ModelProfile:
    """By ``model``; absent means the default. Raises RequestError, and what ``known_model`` raises."""
    name = text(body, "model")
    return parts.catalogue.default if name is None else known_model(parts, name)


def known_model(parts: ApiParts, name: str) -> ModelProfile:
    """By name or alias. Raises UnknownModel, and NotReady as long as it may be one that was announced before."""
    found = parts.catalogue.find(name)
    if found is None:
        reason = parts.not_accepting()
        if reason is not None:
            raise NotReady(reason)
        names = [profile.name for profile in parts.catalogue.profiles]
        allowed = f"allowed {'is' if len(names) == 1 else 'are'} {', '.join(names[:MOST_NAMED])}"
        raise UnknownModel(f"model {quoted(name)} is not served here, {allowed}", "model")
    return found


def model_of(name: str, catalogue: Catalogue) -> ModelProfile:
    """Of a job that was accepted; the default's stands in where its model is no longer known."""
    return catalogue.find(name) or catalogue.default
