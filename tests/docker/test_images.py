"""The Dockerfile and what goes into an image, read as text; docker/compose_test builds them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docker.compose_test.base_images import source_in
from docker.requirements import NEEDS_TORCH, requirements

ROOT = Path(__file__).parent.parent.parent
DOCKERFILES = [ROOT / "Dockerfile", *sorted((ROOT / "docker" / "local_images").glob("*.Dockerfile"))]
STAGES = re.split(r"(?m)^(?=FROM )", (ROOT / "Dockerfile").read_text())


def stage(name: str) -> str:
    return next(text for text in STAGES if re.match(rf"FROM .* AS {name}\n", text))


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_hadolint_has_nothing_to_say(file: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
@pytest.mark.parametrize("word", ["# syntax", "--mount", "--link", "--chmod", "--network", "--security", "<<"])
def test_the_classic_builder_understands_every_instruction(file: Path, word: str) -> None:
    assert word not in file.read_text()


@pytest.mark.parametrize("name", ["api", "worker"])
def test_an_image_starts_by_an_exec_form_entry_point_as_nobody_in_particular(name: str) -> None:
    assert 'ENTRYPOINT ["/app/docker/entrypoint.sh"]' in stage(name)
    assert "USER 10001:10001" in stage(name)
    assert (ROOT / "docker" / "entrypoint.sh").stat().st_mode & 0o111


def test_no_secret_goes_into_an_image() -> None:
    assert not re.findall(r"(?i)(password|secret|token|key)\w*\s*=", "".join(STAGES))


def test_what_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source
        for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", "".join(STAGES))
        for source in line.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert source in allowed


def test_only_the_worker_gets_the_model_and_the_cache() -> None:
    assert "flux-nano" in stage("worker") and "h2cache" in stage("worker")
    assert "flux-nano" not in stage("api") and "h2cache" not in stage("api").replace("# ", "")


def test_the_api_s_packages_are_the_server_s_without_torch() -> None:
    api, worker = (requirements(target, ROOT / "pyproject.toml") for target in ("api", "worker"))
    assert set(api) < set(worker)
    named = {re.split(r"[>=\[]", line)[0] for line in set(worker) - set(api)}
    assert named == {"torch", "safetensors", *NEEDS_TORCH}


@pytest.mark.parametrize("target", ["api", "worker"])
def test_what_traces_need_is_in_an_image_that_is_asked_for_it(target: str) -> None:
    program = [sys.executable, str(ROOT / "docker" / "requirements.py"), target]
    without, both = (
        subprocess.run([*program, *extras], capture_output=True, text=True, check=True).stdout.split("\n")
        for extras in ([], ["otel"])
    )
    assert {re.split(r"[>=]", line)[0] for line in set(both) - set(without)} == {
        "opentelemetry-exporter-otlp-proto-http",
        "opentelemetry-sdk",
    }
    assert set(without) < set(both)
    assert "ARG EXTRAS" in stage(f"{target}-packages")
    wrong = subprocess.run([*program, "dev"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)


def test_the_api_s_modules_import_without_torch() -> None:
    program = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "safetensors", "diffusers", "transformers", "accelerate", "h2cache"):
            raise ImportError(name)
sys.meta_path.insert(0, Refused())
import server.api.router, server.cli.commands, server.settings
# And what `docker compose exec api python -m server keys|queue|plan` imports when it runs.
import server.cli.key_book, server.cluster.stores, server.jobs.bull.queue
import server.plan.forecast, server.plan.measured
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("deb http://a.example/debian bookworm main", "http://a.example/debian"),
        ("deb [signed-by=/k.gpg] http://a.example/debian bookworm main", "http://a.example/debian"),
        ("Types: deb\n# http://no.example\nURIs: http://a.example/debian\nSuites: x", "http://a.example/debian"),
        ("# deb http://a.example/debian bookworm main", None),
        ("deb http://a.example/debian-security bookworm main", None),
        ("", None),
    ],
)
def test_debian_comes_from_where_this_machine_is_configured_to_take_it(text: str, source: str | None) -> None:
    assert source_in(text) == source
