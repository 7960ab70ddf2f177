"""What is told of models, presets and thresholds is what the API's document says: every field of every item."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import validate

from server.api.presets import describe_preset
from server.errors import SettingsError
from server.profile import PROFILES, load_profile
from tests.api.conftest import generate
from tests.api.test_openapi import document

PATHS = ("/v1/models", "/v1/models/{name}", "/v1/presets", "/v1/stats/thresholds")


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no other properties than those that are told."""
    if isinstance(schema, list):
        return [closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **rest} if "properties" in schema else rest


def examples(schema: Any) -> Iterator[tuple[Any, Any]]:
    """Every object's schema that has an example, and the example."""
    if isinstance(schema, dict):
        if "example" in schema:
            yield schema, schema["example"]
        for inner in schema.values():
            yield from examples(inner)


def schema_of(path: str) -> Any:
    return document()["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_has_the_documented_fields_and_no_others(client: httpx.Client, path: str) -> None:
    generate(client)
    answer = client.get(path.format(name="flux-nano"))
    assert answer.status_code == 200
    validate(answer.json(), closed(schema_of(path)))


@pytest.mark.parametrize("path", PATHS)
def test_so_have_the_examples(path: str) -> None:
    found = list(examples(schema_of(path)))
    assert found
    for schema, example in found:
        validate(example, closed(schema))


def test_a_model_tells_what_its_profile_says(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()["data"]
    profile = load_profile("flux-nano")
    assert model == {
        "id": "flux-nano",
        "object": "model",
        "created": 0,
        "owned_by": "h2serve",
        "aliases": ["nano"],
        "sides": {"min": 64, "max": 192, "multiple": 16},
        "default_size": "128x128",
        "default_steps": profile.default_steps,
        "max_steps": profile.max_steps,
        "default_guidance": profile.default_guidance,
        "max_guidance": profile.max_guidance,
        "max_images": profile.max_images,
        "text_length": profile.text_length,
        "image_input": "start",
        "max_input_images": 1,
        "default_preset": profile.default_preset,
        "example_prompt": profile.example_prompt,
        "presets": {name: preset.model_dump(exclude_none=True) for name, preset in profile.presets.items()},
    }


def test_every_preset_of_the_model_tells_its_measured_speed_and_fidelity(client: httpx.Client) -> None:
    told = {preset["id"]: preset for preset in client.get("/v1/presets").json()["data"]}
    for name, preset in load_profile("flux-nano").presets.items():
        assert told[name]["calibrated"]
        figures = {key: value for key, value in preset.model_dump().items() if key.startswith("measured_")}
        known = {key: value for key, value in figures.items() if value is not None}
        assert known.items() <= told[name].items()
        assert {"measured_flops_ratio", "measured_seconds_ratio", "measured_psnr_db"} <= known.keys()


PUBLISHED = {(0.15, 0.22), (0.12, 0.10), (0.12, 0.09)}
"""Pairs in the repository Bluear7878/H2-Cache: its demo and experiment, and the defaults of two functions."""


def test_flux_dev_has_published_thresholds_that_are_not_called_calibrated() -> None:
    presets = load_profile("flux-dev").presets
    assert {(presets[name].tau1, presets[name].tau2) for name in ("balanced", "quality")} < PUBLISHED
    assert {preset.method for preset in presets.values()} == {"paper"}


@pytest.mark.parametrize("path", [path for path in PROFILES.glob("*.toml") if path.stem != "flux-nano"], ids=str)
def test_what_was_not_measured_is_not_called_calibrated(path: Path) -> None:
    profile = load_profile(tomllib.loads(path.read_text())["name"])
    assert not any(describe_preset(name, preset)["calibrated"] for name, preset in profile.presets.items())


def test_a_model_s_own_folder_may_have_its_profile(tmp_path: Path) -> None:
    text = (PROFILES / "flux-nano.toml").read_text().replace('name = "flux-nano"', 'name = "mine"')
    (tmp_path / "h2serve.toml").write_text(text)
    profile = load_profile(str(tmp_path))
    assert (profile.name, profile.folder, profile.min_side) == ("mine", str(tmp_path), 64)
    (tmp_path / "h2serve.toml").write_text("name = 1")
    with pytest.raises(SettingsError, match=str(tmp_path)):
        load_profile(str(tmp_path))


def test_a_folder_without_a_profile_does_not_get_another_model_s_figures(tmp_path: Path) -> None:
    measured = (PROFILES / "flux1.toml").read_text() + "measured_flops_ratio = 0.4\n"
    (tmp_path / "flux1.toml").write_text(measured)
    assert load_profile("flux-dev", tmp_path).presets["quality"].measured_flops_ratio == 0.4
    assert load_profile("someone/else", tmp_path).presets["quality"].measured_flops_ratio is None
