"""The library needs torch and safetensors; all else is the server's, the arena's or the drop-in's."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

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


def test_it_installs_and_imports_without_the_servers_dependencies(tmp_path: Path) -> None:
    """Installed from a copy of the sources, with every other dependency hidden; the drop-in says what it lacks."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "h2cache", source / "h2cache")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run([*pip, str(target), str(source)], check=True, capture_output=True)
    absent = {name for extra in ("server", "arena") for name in extras()[extra]} - {
        "numpy"
    }  # safetensors[torch]'s
    script = ALONE.format(absent=absent, folder=str(target))
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(target)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout == "No module named 'diffusers'\n"


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
