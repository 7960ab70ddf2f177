"""Every command of h2serve in the documents and in the comments of what is deployed is one that there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from server.cli.commands import create_cli

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
DEPLOYED = [
    ROOT / "Dockerfile",
    ROOT / "docker-compose.yml",
    *sorted((ROOT / "docker").glob("*.yml")),
    *sorted((ROOT / "docker" / "kubernetes").glob("*.yaml")),
]
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:^|[\s/])(?:h2serve|python -m server) ([a-z][a-z-]*(?: [^#;|&]*)?)")
ENDS = re.compile(r"\\\n\s*#?")


def code_of(path: Path) -> Iterator[str]:
    """What is written as code: spans, and lines of a page's blocks or of a comment that begin with the command."""
    text = ENDS.sub(" ", path.read_text())
    yield from SPAN.findall(text)
    for line in text.splitlines():
        if path.suffix == ".md" and line.startswith("    "):
            yield line.strip()
        elif path.suffix != ".md" and "python -m server" in line:
            yield line[line.index("python -m server") :]


def commands() -> Iterator[tuple[str, str]]:
    """File, and the command's words behind ``h2serve``."""
    for path in (*PAGES, *DEPLOYED):
        for code in code_of(path):
            for words in COMMAND.findall(code):
                yield str(path.relative_to(ROOT)), words


def fault(words: str) -> str:
    """What is wrong with a command; nothing of a good one. Values are not looked at."""
    command = typer.main.get_command(create_cli())
    rest = [word.strip("[](),.'\"") for word in words.split()]
    while rest and isinstance(command, TyperGroup) and not rest[0].startswith("-"):
        found = command.commands.get(rest[0])
        if found is None:
            return f"no command {rest[0]!r}"
        command, rest = found, rest[1:]
    known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    takes_any = command.context_settings.get("ignore_unknown_options", False)
    flags = {word.split("=")[0] for word in rest if word.startswith("--")} - {"--help"}
    return "" if takes_any else ", ".join(sorted(f"no flag {flag}" for flag in flags - known))


@pytest.mark.parametrize(("where", "words"), sorted(set(commands())), ids=lambda value: str(value)[:60])
def test_the_command_line_knows_every_documented_command_and_flag(where: str, words: str) -> None:
    assert fault(words) == "", f"{where}: h2serve {words}"


def test_a_flag_that_does_not_exist_would_be_found() -> None:
    assert fault("keys add --file docker/keys.json --tenant lab") == "no flag --file"
    assert fault("queue lsit") == "no command 'lsit'"
    assert len(set(commands())) > 60
