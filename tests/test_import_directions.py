"""Imports go one way: the design's table, held against what the files really import."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Longest matching prefix wins. What is listed may be imported beside the standard library and the package itself.
ALLOWED: dict[str, set[str]] = {
    "h2cache": {"torch", "safetensors"},
    "h2cache.flux1": {"torch", "diffusers", "h2cache"},
    "h2cache.flux2": {"torch", "diffusers", "h2cache"},
    "h2cache.drop_in": {"torch", "diffusers", "matplotlib", "h2cache"},
    "h2cache.flux3": {"torch", "diffusers", "h2cache"},
    "h2cache.arena": {
        "torch",
        "diffusers",
        "h2cache",
        "numpy",
        "PIL",
        "skimage",
        "flip_evaluator",
        "matplotlib",
        "rich",
    },
    "nano": {
        "torch",
        "safetensors",
        "diffusers",
        "transformers",
        "tokenizers",
        "numpy",
        "PIL",
        "rich",
        "matplotlib",
    },
    "load_tests": {
        "flip_evaluator",
        "httpx",
        "matplotlib",
        "numpy",
        "PIL",
        "psutil",
        "pydantic",
        "redis",
        "rich",
        "skimage",
    },
    "load_tests.peers": {
        "diffusers",
        "fastapi",
        "httpx",
        "litserve",
        "load_tests",
        "rich",
        "torch",
        "uvicorn",
    },
    "load_tests.journeys": {"locust", "rich", "load_tests.errors", "load_tests.target"},
    "server.request": set(),
    "server.upload": {"PIL", "server.errors"},
    "server.errors": set(),
    "server.endless": set(),
    "server.loading": set(),
    "server.model_index": {"server.errors"},
    "server.new_id": set(),
    "server.cache_methods": set(),
    "server.cache_parts": {"server.cache_methods"},
    "server.profile": {"pydantic", "server.errors", "server.request"},
    "server.catalogue": {"pydantic", "server.profile"},
    "server.calibrate": {"pydantic", "matplotlib", "server.errors", "server.profile"},
    "server.settings": {"pydantic", "pydantic_settings", "server.errors", "server.metrics.thresholds"},
    "server.readiness": set(),
    "server.admission": {"server.request", "server.errors"},
    "server.metrics": {"prometheus_client", "server.jobs.event", "server.jobs.status", "server.request"},
    "server.metrics.worker": {"prometheus_client", "server.engine.interface", "server.request"},
    "server.pair_stats": {"server.request"},
    "server.playground": set(),
    "server.pair_stats.redis": {"server.errors", "server.redis_link", "server.request"},
    "server.traces": {"server.errors", "server.request"},
    "server.webhooks": {"httpx", "server.errors"},
    "server.webhooks.outbox_redis": {"server.redis_link", "server.webhooks"},
    "server.traces.open": {"opentelemetry", "server.errors"},
    "server.traces.otel": {"opentelemetry", "server.request"},
    "server.plan": {"server.errors"},
    "server.plan.share": {"server.errors", "server.measured_share", "server.profile"},
    "server.plan.measured": {"server.errors", "prometheus_client"},
    "server.strength": set(),
    "server.measured_share": set(),
    "server.jobs": {"server.request", "server.errors", "server.measured_share", "server.strength"},
    "server.jobs.bull": {
        "redis",
        "msgpack",
        "server.jobs",
        "server.request",
        "server.errors",
        "server.redis_link",
    },
    "server.jobs.payload": {"pydantic", "server.request", "server.errors"},
    "server.results": {"server.request", "server.errors"},
    "server.access": {"server.errors", "server.request"},
    "server.access.key_redis": {"server.access", "server.redis_link", "server.errors", "server.request"},
    "server.access.rates_redis": {"server.access", "server.redis_link", "server.errors"},
    "server.http_server": {"h11", "uvicorn"},
    "server.fidelity": {"numpy", "PIL"},
    "server.results.redis": {"server.redis_link"},
    "server.redis_link": {"redis", "server.errors", "server.redis_pool"},
    "server.redis_pool": {"redis"},
    "server.image_metadata": {"PIL", "server.errors", "server.request"},
    "server.engine": {
        "torch",
        "numpy",
        "PIL",
        "diffusers",
        "h2cache",
        "server.errors",
        "server.image_metadata",
        "server.strength",
        "server.request",
    },
    "server.engine.interface": {"server.request", "server.errors"},
    "server.engine.checkpoint": {"torch", "safetensors", "h2cache"},
    "server.engine.loader": {
        "torch",
        "safetensors",
        "diffusers",
        "transformers",
        "h2cache",
        "server.request",
        "server.errors",
        "server.model_index",
    },
    "server.engine.families": {
        "torch",
        "safetensors",
        "diffusers",
        "transformers",
        "server.request",
        "server.errors",
    },
    "server.orders": {"server.engine.interface", "server.request"},
    "server.worker": {
        "server.engine.interface",
        "server.jobs",
        "server.results",
        "server.request",
        "server.errors",
        "server.metrics",
        "server.orders",
        "server.pair_stats.interface",
        "server.traces.interface",
        "server.admission",
        "server.endless",
        "starlette",
    },
    "server.api": {
        "fastapi",
        "starlette",
        "pydantic",
        "server.access",
        "server.admission",
        "server.cache_methods",
        "server.cache_parts",
        "server.catalogue",
        "server.errors",
        "server.jobs.cost",
        "server.jobs.event",
        "server.jobs.interface",
        "server.jobs.status",
        "server.jobs.submit",
        "server.metrics",
        "server.fidelity",
        "server.pair_stats",
        "server.playground",
        "server.traces.interface",
        "server.profile",
        "server.readiness",
        "server.request",
        "server.results.inputs",
        "server.results.interface",
        "server.upload",
        "server.webhooks",
        "server.endless",
        "PIL",
    },
}
# The composition root, the command line and the benchmarks see everything.
UNBOUND = (
    "server.app",
    "server.app_access",
    "server.app_engine",
    "server.app_models",
    "server.cluster",
    "server.__main__",
    "server.cli",
    "server.serve",
    "server.bench",
    "tests",
)


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("h2cache", "server", "nano", "load_tests"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports from the root"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def rule_for(module: str) -> str | None:
    return max((key for key in ALLOWED if is_under(module, key)), key=len, default=None)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: str(value))
def test_a_module_imports_only_what_its_row_allows(module: str, path: Path) -> None:
    if any(is_under(module, free) for free in UNBOUND):
        return
    key = rule_for(module)
    if module in ("server", "nano"):
        return
    assert key is not None, f"{module} has no row in the table of imports"
    own = key if "." in key else key.split(".")[0]
    for name in imports_of(path):
        if name.split(".")[0] in sys.stdlib_module_names or is_under(name, own):
            continue
        if is_under(name, ".".join(module.split(".")[:2])):
            continue
        assert any(is_under(name, allowed) for allowed in ALLOWED[key]), f"{module} may not import {name}"


def test_load_tests_import_nothing_of_ours() -> None:
    for path in (ROOT / "load_tests").rglob("*.py"):
        assert not {name for name in imports_of(path) if name.split(".")[0] in ("server", "h2cache", "nano")}


def test_one_model_index_is_committed_outside_tests() -> None:
    committed = [folder for folder in ROOT.iterdir() if folder.name != "tests" and not folder.name.startswith(".")]
    assert len([path for folder in committed for path in folder.rglob("model_index.json")]) == 1
