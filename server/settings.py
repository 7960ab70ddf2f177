"""The server's settings: one TOML profile, overridden by the environment, overridden by flags; checked once."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from server.errors import SettingsError
from server.metrics.thresholds import MAX_PAIRS, cells

PREFIX = "H2SERVE_"
CLIENT_VARIABLES = ("H2SERVE_API_KEY",)
"""Read by commands that speak to a server, and no setting of one."""
DEFAULT_FILE = Path(__file__).parent.parent / "config" / "default.toml"


def _from_json(given: Any) -> Any:
    """A list in an environment variable is written as JSON."""
    return json.loads(given) if isinstance(given, str) else given


def _rising(edges: tuple[float, ...]) -> tuple[float, ...]:
    cells(edges)
    return edges


Tau = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Edges = Annotated[tuple[Tau, ...], BeforeValidator(_from_json), AfterValidator(_rising)]
Pairs = Annotated[tuple[tuple[Tau, Tau], ...], BeforeValidator(_from_json), Field(max_length=MAX_PAIRS)]


class Settings(BaseSettings):
    """Frozen; the comments are in config/default.toml. Times in seconds."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1)
    device: str = Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    dtype: str = Field(pattern=r"^(auto|float32|bfloat16|float16)$")
    host: str
    port: int = Field(ge=0, le=65535)
    max_batch: int = Field(ge=1, le=1024)
    max_queue: int = Field(ge=1)
    threads: int = Field(ge=0)
    memory_budget_mb: int = Field(ge=0)
    max_pixels: int = Field(ge=0)
    patience_s: float = Field(ge=0)
    text_cache_mb: int = Field(ge=0)
    prompt_limit: int = Field(ge=1)
    body_limit_bytes: int = Field(ge=1024)
    upload_limit_bytes: int = Field(ge=1024)
    upload_limit_pixels: int = Field(ge=256)
    input_ttl_s: float = Field(gt=0)
    size_policy: Literal["reject", "fit"]
    head_timeout_s: float = Field(gt=0)
    body_timeout_s: float = Field(gt=0)
    result_ttl_s: float = Field(gt=0)
    shutdown_grace_s: float = Field(ge=0)
    presets: str
    tau1_edges: Edges
    tau2_edges: Edges
    tau_pairs: Pairs
    request_log: bool
    log_prompts: bool
    otel_endpoint: str
    image_metadata: bool
    keys: str
    insecure_no_auth: bool
    metrics_token: str = Field(pattern=r"^\S*$")
    metrics_token_file: str
    cors_origins: str
    playground: bool
    heartbeat_s: float = Field(gt=0)
    url_secret: str
    url_secret_file: str
    url_life_s: float = Field(gt=0)
    public_url: str = Field(pattern=r"^(https?://[^\s?#]+)?$")
    webhook_origins: str
    webhook_secret: str
    webhook_secret_file: str
    redis: str
    results_redis: str
    redis_password_file: str
    further_models: str
    ready_without_workers: bool
    metrics_host: str
    metrics_port: int = Field(ge=0, le=65535)
    lease_s: float = Field(ge=1)
    disk_wait_s: float = Field(ge=0)
    stalled_after_s: float = Field(gt=0)
    checkpoint: str = Field(pattern=r"^(off|latents|full)$")
    checkpoint_each_steps: int = Field(ge=1)
    checkpoint_interval_s: float = Field(ge=0)
    checkpoint_full_up_to_mb: int = Field(ge=0)
    checkpoint_budget_mb: int = Field(ge=0)


def load_settings(file: Path, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Read and check everything; SettingsError names the first key that is wrong.

    A flag overrides a variable ``H2SERVE_<KEY>`` of ``environ``, that one of the file, that the shipped one.
    """

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
            # The environment comes as an argument, checked for unknown names, which env_settings would pass over.
            shipped = TomlConfigSettingsSource(settings_cls, DEFAULT_FILE)
            return init_settings, TomlConfigSettingsSource(settings_cls, file), shipped

    if not file.is_file():
        raise SettingsError(f"config file {str(file)!r} does not exist")
    try:
        return FromFile(**{**_from_environment(environ), **flags})
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"config file {str(file)!r} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"config file {str(file)!r} is not TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError(_described(error, file)) from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings among the variables. Raises SettingsError for H2SERVE_* that is none."""
    given = {}
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in CLIENT_VARIABLES:
            key = name.removeprefix(PREFIX).lower()
            if key not in Settings.model_fields:
                raise SettingsError(f"environment variable {name} is unknown, allowed are {_allowed()}")
            given[key] = environ[name]
    return given


def _described(error: ValidationError, file: Path) -> str:
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"{file}: key {key!r} is unknown, allowed are {', '.join(sorted(Settings.model_fields))}"
    return f"setting {key!r}: {first['msg']} (got {str(first['input'])[:64]!r})"


def _allowed() -> str:
    return ", ".join(PREFIX + name.upper() for name in sorted(Settings.model_fields))
