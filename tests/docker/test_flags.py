"""Every flag and variable in the manifests and compose files is one that the command line knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

from server.cli.commands import create_cli
from server.settings import Settings
from tests.docker.manifests import container_of

ROOT = Path(__file__).parent.parent.parent
COMPOSE_FILES = (ROOT / "docker-compose.yml", *sorted((ROOT / "docker").glob("compose.*.yml")))
OURS = ("api", "worker")
OF_OTHERS = {
    "HF_TOKEN",
    "OMP_WAIT_POLICY",
    "GF_AUTH_ANONYMOUS_ENABLED",
    "GF_AUTH_ANONYMOUS_ORG_ROLE",
    "GF_AUTH_BASIC_ENABLED",
    "GF_AUTH_DISABLE_LOGIN_FORM",
    "GF_ANALYTICS_REPORTING_ENABLED",
}
"""Variables of huggingface_hub, OpenMP and Grafana."""


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Where, and the words."""
    for file in COMPOSE_FILES:
        services = yaml.safe_load(file.read_text())["services"]
        for name, service in services.items():
            if "command" in service and name.startswith(OURS):
                yield f"{file.name} {name}", service["command"]
    for name in OURS:
        yield f"kubernetes {name}", container_of(f"h2serve-{name}")["args"]


def variables() -> Iterator[tuple[str, str]]:
    """Where, and a variable's name."""
    for file in COMPOSE_FILES:
        services: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["services"]
        for service, content in services.items():
            for name in content.get("environment", {}):
                yield f"{file.name} {service}", name
    for service in OURS:
        for variable in container_of(f"h2serve-{service}")["env"]:
            yield f"kubernetes {service}", variable["name"]


@pytest.mark.parametrize(("where", "words"), list(command_lines()), ids=lambda value: str(value)[:40])
def test_the_command_line_knows_every_command_and_flag(where: str, words: list[str]) -> None:
    cli = typer.main.get_command(create_cli())
    assert isinstance(cli, TyperGroup)
    name, *flags = words
    known = {flag for parameter in cli.commands[name].params for flag in parameter.opts}
    for flag in flags:
        assert flag.startswith("--") and "=" in flag, f"{where}: {flag}: write --flag=value"
        assert flag.split("=")[0] in known, f"{where}: {flag}"


@pytest.mark.parametrize(("where", "name"), list(variables()))
def test_every_variable_is_a_setting_or_one_that_somebody_else_reads(where: str, name: str) -> None:
    is_ours = name.startswith("H2SERVE_")
    assert name.removeprefix("H2SERVE_").lower() in Settings.model_fields if is_ours else name in OF_OTHERS, where


def test_a_model_of_the_hub_can_be_fetched_with_a_token() -> None:
    assert {where for where, name in variables() if name == "HF_TOKEN"} == {
        "docker-compose.yml worker",
        "compose.second_gpu.yml worker-1",
        "kubernetes worker",
    }


def test_something_was_looked_at() -> None:
    assert len(list(command_lines())) == 5
    assert len([name for _, name in variables() if name.startswith("H2SERVE_")]) > 8
