"""The command line as a whole: what help costs, and which exit code says what."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup as Group
from typer.main import get_command

from server.__main__ import main
from server.cli.commands import COMMANDS, create_cli

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "cli.md"
HEAVY = ("torch", "diffusers", "transformers", "fastapi", "pydantic", "PIL", "numpy", "httpx")


def code_of(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def run(*words: str) -> None:
    """A command that has to succeed."""
    assert code_of(*words) == 0


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from server.__main__ import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: sys.exit(', '.join(name for name in {HEAVY} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert done.returncode == 0


def test_a_folder_that_is_no_model_is_told_before_torch_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from server.__main__ import main\n"
        f"try: main(['serve', '--port', '0', '--model', {str(tmp_path)!r}])\n"
        "except SystemExit as ended: sys.exit('torch' if 'torch' in sys.modules else ended.code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "has no readable model_index.json" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_every_command_has_a_help_of_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(command, "--help") == 0
    assert f"h2serve {command}" in capsys.readouterr().out


SERVING = ("serve", "api", "worker", "cluster")
"""They have no outcome: they go on until they are told to stop."""


def commands() -> Iterator[tuple[str, ...]]:
    """The words of every command, those of groups too."""
    whole = get_command(create_cli())
    assert isinstance(whole, Group)
    for name, command in whole.commands.items():
        yield from ((name, inner) for inner in command.commands) if isinstance(command, Group) else [(name,)]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_that_has_an_outcome_says_it_as_json(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(*words, "--help") == 0
    assert ("--json" in capsys.readouterr().out) == (words[0] not in SERVING)


@pytest.mark.parametrize(
    "words",
    [
        ("dance",),
        ("serve", "--dance"),
        ("serve", "--port", "x"),
        ("bench",),
        ("bench", "--engine", "--only", "x"),
        ("bench", "--engine", "--rate", "2"),
        ("bench", "--engine", "--serve"),
        (),
    ],
    ids=" ".join,
)
def test_words_that_are_not_understood_end_with_2(words: tuple[str, ...]) -> None:
    assert code_of(*words) == 2


def test_a_command_that_cannot_start_says_so_in_one_line_and_ends_with_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code_of("serve", "--config", "no-such.toml") == 2
    assert capsys.readouterr().err == "h2serve: config file 'no-such.toml' does not exist\n"


@pytest.mark.parametrize("command", ["api", "worker"])
def test_without_a_queue_the_distributed_mode_says_how_to_name_one(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("H2SERVE_REDIS", raising=False)
    assert code_of(command) == 2
    assert capsys.readouterr().err.startswith("h2serve: no queue is named, allowed is --redis")


def test_bench_serve_hands_its_words_to_the_load_tests_and_their_exit_code_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert code_of("bench", "--serve", "--url", "http://10.0.0.1", "--rate", "2,4,8") == 2
    assert "give --i-own-this-server if it is yours" in capfd.readouterr().out


def test_the_document_s_table_has_every_command() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `h2serve")]
    root = get_command(create_cli())
    assert isinstance(root, Group)
    assert [
        name for name in root.commands if not any(f"`{name}`" in row or f"`h2serve {name}" in row for row in rows)
    ] == []
