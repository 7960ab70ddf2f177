"""Nothing in the tree turns bytes into code: no pickle, no eval, no shell."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("server", "h2cache", "nano", "load_tests", "docs", "docker")
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def faults(tree: ast.AST) -> Iterator[str]:
    """What a file does that it may not, by its syntax, so that a word in a text is none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in UNPICKLERS:
                yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from fault_of_call(node)


def fault_of_call(call: ast.Call) -> Iterator[str]:
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    name = ast.unparse(call.func)
    if name in CALLS or name in ("os.system", "os.popen", "yaml.load"):
        yield name
    if given.get("shell") is True or given.get("trust_remote_code") is True or given.get("allow_pickle") is True:
        yield f"{name} with {sorted(map(str, given))}"
    if name == "torch.load" and given.get("weights_only") is not True:
        yield "torch.load without weights_only=True"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_makes_no_code_of_data(path: Path) -> None:
    assert not list(faults(ast.parse(path.read_text())))


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from dill import loads",
        "eval('1')",
        "os.system('x')",
        "subprocess.run('x', shell=True)",
        "torch.load('x')",
        "np.load('x', allow_pickle=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(line: str) -> None:
    assert list(faults(ast.parse(line)))


def test_a_model_s_evaluation_mode_is_no_fault() -> None:
    assert not list(faults(ast.parse("model.eval(); re.compile('x'); torch.load('x', weights_only=True)")))
