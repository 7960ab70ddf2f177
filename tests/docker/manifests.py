"""The Kubernetes base as data."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent.parent / "docker" / "kubernetes"


def documents() -> list[dict[str, Any]]:
    """All objects of all files that the kustomization names."""
    files = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    return [found for file in files for found in yaml.safe_load_all((FOLDER / file).read_text())]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """By name."""
    return {found["metadata"]["name"]: found for found in documents() if found["kind"] == kind}


def pod_of(name: str) -> dict[str, Any]:
    """A Deployment's pod."""
    spec: dict[str, Any] = of_kind("Deployment")[name]["spec"]["template"]["spec"]
    return spec


def container_of(name: str) -> dict[str, Any]:
    """Its one container."""
    (found,) = pod_of(name)["containers"]
    container: dict[str, Any] = found
    return container
