"""The models that a deployment serves: those of its settings, and those that workers have announced."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from server.profile import ModelProfile, load_profile

NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""As ``served_name`` makes them."""


@dataclass
class Catalogue:
    """``listed`` are the settings' models; a request that names none means the first.

    Owned by the process's API. What workers say of a listed model changes nothing.
    """

    listed: tuple[ModelProfile, ...]
    _announced: dict[str, tuple[str, ModelProfile]] = field(default_factory=dict)

    @property
    def default(self) -> ModelProfile:
        """The model of a request that names none."""
        return self.listed[0]

    @property
    def profiles(self) -> list[ModelProfile]:
        """All of them, the listed ones first."""
        return [*self.listed, *(profile for _, profile in self._announced.values())]

    def find(self, name: str) -> ModelProfile | None:
        """By name or alias, among the listed ones first; names go before aliases."""
        for among in (self.listed, [profile for _, profile in self._announced.values()]):
            by_name = (profile for profile in among if profile.name == name)
            by_alias = (profile for profile in among if name in profile.aliases)
            found = next(by_name, None) or next(by_alias, None)
            if found is not None:
                return found
        return None

    def hear(self, announced: Mapping[str, str]) -> None:
        """Models by name, each with its profile as its worker wrote it, empty where that told none.

        A name that no worker of ours would give itself is passed over.
        """
        listed = {profile.name for profile in self.listed}
        for name in sorted(name for name in set(announced) - listed if NAME.fullmatch(name)):
            known = self._announced.get(name)
            if known is None or known[0] != announced[name]:
                self._announced[name] = announced[name], profile_from(name, announced[name])


def profile_from(name: str, said: str) -> ModelProfile:
    """A worker's profile; that of the name where the worker is of a version that writes another."""
    try:
        return ModelProfile.model_validate_json(said).model_copy(update={"name": name})
    except ValidationError:
        return load_profile(name).model_copy(update={"name": name})
