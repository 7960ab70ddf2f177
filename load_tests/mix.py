"""What is asked for: prompts, sizes, step counts and threshold pairs of a TOML file."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from load_tests.errors import LoadTestError

SHIPPED = Path(__file__).parent / "mixes"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pair(_Part):
    """A threshold pair, or what stands for one on another server: keys of the request's body under a label."""

    label: str = Field(min_length=1, max_length=40)
    body: dict[str, Any] = {}
    weight: float = Field(default=1.0, gt=0)


class Size(_Part):
    """``WxH`` in pixels."""

    size: str = Field(pattern=r"^[1-9][0-9]*x[1-9][0-9]*$")
    weight: float = Field(default=1.0, gt=0)


class Mix(_Part):
    """``body`` goes with every request; ``reference`` is what makes one uncached, None where there is no way.

    Step counts are as frequent as each other; without any, the server's default is taken. So with ``sizes``.
    """

    name: str = Field(min_length=1)
    prompts: tuple[str, ...] = Field(min_length=1)
    pairs: tuple[Pair, ...] = Field(min_length=1)
    sizes: tuple[Size, ...] = ()
    steps: tuple[int, ...] = ()
    body: dict[str, Any] = {}
    reference: dict[str, Any] | None = None


def load_mix(name: str) -> Mix:
    """A file, or one of the shipped ones by its name. Raises LoadTestError for the first thing that is wrong."""
    shipped = SHIPPED / f"{name}.toml"
    path = shipped if shipped.is_file() else Path(name)
    try:
        mix = Mix.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(each.stem for each in SHIPPED.glob("*.toml")))
        raise LoadTestError(f"mix {name!r} cannot be read: {error}; shipped are {known}") from error
    except tomllib.TOMLDecodeError as error:
        raise LoadTestError(f"mix {name!r} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise LoadTestError(f"mix {name!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    labels = [pair.label for pair in mix.pairs]
    if len(set(labels)) < len(labels):
        raise LoadTestError(f"mix {name!r}: two pairs have the same label")
    return mix
