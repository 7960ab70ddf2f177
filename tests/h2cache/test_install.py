"""The library needs torch and safetensors; all else is the server's, the arena's or the drop-in's."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALONE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}")

sys.meta_path.insert(0, Absent())
import h2cache
assert h2cache.__file__.startswith({folder!r}), h2cache.__file__
for name in set(h2cache.__all__) - {{"H2Cache"}}:
    assert getattr(h2cache, name) is not None
try:
    h2cache.H2Cache
except ModuleNotFoundError as error:
    print(error)
"""


PACKAGES = ("h2cache", "load_tests", "nano", "server")
WEIGHTS = {"nano": ("flux-nano",)}
"""27 MB, which its users have in a checkout, as they have the profiles in config/."""
OF_A_CHECKOUT = (
    "load_tests/*/requirements.txt",  # the Makefile's
    "nano/prompts/*.txt",  # named on command lines
    "nano/README.md",
    "nano/curve.*",
    "nano/contact_sheet.png",
)
"""What no code looks for beside itself."""


@dataclass(frozen=True)
class Installed:
    """The copy of the sources that it was installed from, and where it lies."""

    source: Path
    target: Path


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """All packages through a wheel, without what they depend on."""
    found = Installed(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, found.source)
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", *WEIGHTS.get(name, ()))
        shutil.copytree(ROOT / name, found.source / name, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([*pip, "--target", str(found.target), str(found.source)], check=True, capture_output=True)
    return found


def extras() -> dict[str, list[str]]:
    """The optional dependencies' import names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {"flip-evaluator": "flip_evaluator", "pillow": "PIL", "scikit-image": "skimage"}
    return {
        extra: [names.get(name, name.replace("-", "_")) for name in map(bare, needed)]
        for extra, needed in {**project["optional-dependencies"], "": project["dependencies"]}.items()
    }


def bare(requirement: str) -> str:
    match = re.match(r"[\w-]+", requirement)
    assert match is not None
    return match[0]


def test_it_depends_on_torch_and_safetensors() -> None:
    assert extras()[""] == ["torch", "safetensors"]


def test_it_installs_and_imports_without_the_servers_dependencies(installed: Installed, tmp_path: Path) -> None:
    """With every other dependency hidden; the drop-in says what it lacks."""
    absent = {name for extra in ("server", "arena") for name in extras()[extra]} - {
        "numpy"
    }  # safetensors[torch]'s
    script = ALONE.format(absent=absent, folder=str(installed.target))
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed.target)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == "No module named 'diffusers'\n"


def test_what_code_looks_for_beside_itself_is_installed_with_it(installed: Installed) -> None:
    def files(where: Path) -> set[Path]:
        found = [path for name in PACKAGES for path in (where / name).rglob("*") if path.is_file()]
        return {path.relative_to(where) for path in found}

    wanted = {path for path in files(installed.source) if not any(map(path.match, OF_A_CHECKOUT))}
    assert {path.suffix for path in wanted} >= {".py", ".toml", ".lua", ".js"}
    assert wanted - files(installed.target) == set()


def test_nothing_imports_the_arena_but_itself() -> None:
    for package in ("h2cache", "server", "nano"):
        for path in (ROOT / package).rglob("*.py"):
            if "arena" not in path.relative_to(ROOT).parts:
                imported = {
                    name
                    for node in ast.walk(ast.parse(path.read_text()))
                    for name in names_of(node)
                    if name.startswith("h2cache.arena")
                }
                assert not imported, f"{path} imports {imported}"


def names_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []
