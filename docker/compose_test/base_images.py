"""Base images without a registry: Debian by debootstrap from the configured source, two servers on top."""

import re
import shutil
from pathlib import Path

from docker.compose_test.commands import Runner, StepFailed
from docker.compose_test.daemon import DOCKER

BASE, REDIS, PROMETHEUS = "h2serve-local-base", "h2serve-local-redis", "h2serve-local-prometheus"
SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
INCLUDED = "python3,python3-venv,ca-certificates"
LOCAL_IMAGES = Path(__file__).parent.parent / "local_images"


def make_base_images(runner: Runner, folder: Path) -> None:
    """All three. What is there from the last time is taken; the tar file outlives the daemon's images."""
    archive = folder / "debian.tar"
    if not archive.exists():
        make_archive(runner, folder / "debian", archive)
    if not runner.run(DOCKER, "images", "--quiet", BASE).strip():
        # Each import is an image of its own, on which nothing built before would rest.
        runner.run(DOCKER, "import", str(archive), BASE)
    for name, file in ((REDIS, "redis.Dockerfile"), (PROMETHEUS, "prometheus.Dockerfile")):
        # The host's network, since packages are fetched with the host's own settings.
        arguments = ["--network", "host", "--build-arg", f"BASE={BASE}", "--tag", name]
        runner.run(DOCKER, "build", *arguments, "--file", str(LOCAL_IMAGES / file), str(LOCAL_IMAGES))


def make_archive(runner: Runner, tree: Path, archive: Path) -> None:
    """debootstrap's minbase as a tar file."""
    shutil.rmtree(tree, ignore_errors=True)
    release = runner.run("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    options = ["--variant=minbase", f"--include={INCLUDED}"]
    runner.run("/usr/sbin/debootstrap", *options, release, str(tree), apt_source(), timeout_s=900)
    shutil.rmtree(tree / "var/cache/apt/archives", ignore_errors=True)
    half = archive.with_suffix(".new")
    runner.run("tar", "--create", "--file", str(half), "--directory", str(tree), ".")
    half.rename(archive)
    shutil.rmtree(tree, ignore_errors=True)


def apt_source() -> str:
    """The first Debian archive that apt is configured with, in either of its two formats."""
    files = [path for source in SOURCES for path in (sorted(source.iterdir()) if source.is_dir() else [source])]
    for path in files:
        if path.is_file():
            found = source_in(path.read_text(encoding="utf-8"))
            if found is not None:
                return found
    raise StepFailed("no Debian archive is configured in /etc/apt")


def source_in(text: str) -> str | None:
    """The first URI of a one-line or deb822 file, comments aside."""
    for line in text.splitlines():
        found = re.match(r"\s*(?:deb\s+(?:\[[^]]*\]\s+)?|URIs:\s*)(https?://\S+)", line)
        if found and "security" not in found[1]:
            return found[1]
    return None
