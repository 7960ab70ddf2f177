"""The server's settings: one TOML profile, overridden by the environment, overridden by flags; checked once."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from server.errors import SettingsError

PREFIX = "H2SERVE_"
DEFAULT_FILE = Path(__file__).parent.parent / "config" / "default.toml"


class Settings(BaseSettings):
    """Frozen; the comments are in config/default.toml. Times in seconds."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    model: str
    device: str = Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    dtype: str = Field(pattern=r"^(auto|float32|bfloat16|float16)$")
    host: str
    port: int = Field(ge=0, le=65535)
    max_batch: int = Field(ge=1, le=1024)
    max_queue: int = Field(ge=1)
    memory_budget_mb: int = Field(ge=0)
    text_cache_mb: int = Field(ge=0)
    prompt_limit: int = Field(ge=1)
    body_limit_bytes: int = Field(ge=1024)
    result_ttl_s: float = Field(gt=0)
    shutdown_grace_s: float = Field(ge=0)


def load_settings(file: Path, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Read and check everything; SettingsError names the first key that is wrong.

    ``environ`` is the process's environment, which pydantic-settings reads itself: here it is looked through for
    names that it would pass over.
    """
    _refuse_unknown_variables(environ)

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    if not file.is_file():
        raise SettingsError(f"config file {str(file)!r} does not exist")
    try:
        return FromFile(**flags)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"config file {str(file)!r} is not TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError(_described(error, file)) from error


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in Settings.model_fields:
            raise SettingsError(f"environment variable {name} is unknown, allowed are {_allowed()}")


def _described(error: ValidationError, file: Path) -> str:
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{file}: key {key!r} is unknown, allowed are {', '.join(sorted(Settings.model_fields))}"
    return f"setting {key!r}: {first['msg']} (got {str(first['input'])[:64]!r})"


def _allowed() -> str:
    return ", ".join(PREFIX + name.upper() for name in sorted(Settings.model_fields))
