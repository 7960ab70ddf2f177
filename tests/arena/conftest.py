"""A tiny random pipeline on disk, and the arena's command on it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from h2cache.arena.__main__ import main
from tests.tiny_flux import save_tiny_flux

Arena = Callable[..., Path]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_flux(tmp_path_factory.mktemp("arena") / "flux")


@pytest.fixture
def arena(folder: Path, tmp_path: Path) -> Arena:
    """Run the command, which times one pair a setting; returns its folder."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a red cat\n\nein grünes Haus\n", encoding="utf-8")

    def run(*words: str, out: str = "out") -> Path:
        given = ["--model", str(folder), "--prompts", str(prompts), "--size", "64x64"]
        main([*given, "--steps", "2", "--pairs", "1", "--out", str(tmp_path / out), *words])
        return tmp_path / out

    return run
