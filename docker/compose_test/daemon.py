"""A docker daemon: the one that runs, or one of our own with its own socket and folder, ended by its pid."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from docker.compose_test.commands import StepFailed, last_lines

STARTING_S = 60.0
ENDING_S = 60.0
DOCKER = "/usr/bin/docker"


@contextlib.contextmanager
def docker_host(folder: Path) -> Iterator[str]:
    """The value of DOCKER_HOST. Raises StepFailed where no daemon starts."""
    given = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if answers(given):
        yield given
        return
    folder.mkdir(parents=True, exist_ok=True)
    host, log = f"unix://{folder}/docker.sock", folder / "dockerd.log"
    command = ["/usr/sbin/dockerd", "--host", host, "--data-root", str(folder / "data")]
    places = ["--exec-root", str(folder / "exec"), "--pidfile", str(folder / "docker.pid")]
    with log.open("wb") as said, subprocess.Popen([*command, *places], stdout=said, stderr=said) as process:
        try:
            wait_until_it_answers(process, host, log)
            yield host
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(ENDING_S)
            process.kill()
            unmount_below(folder)


def wait_until_it_answers(process: "subprocess.Popen[bytes]", host: str, log: Path) -> None:
    """Raises StepFailed with the log's end."""
    until_s = time.monotonic() + STARTING_S
    while not answers(host):
        if process.poll() is not None or time.monotonic() > until_s:
            raise StepFailed(f"dockerd does not start:\n{last_lines(log.read_text(errors='replace'))}")
        time.sleep(0.5)


def unmount_below(folder: Path) -> None:
    """What a daemon leaves mounted, its network namespace among it: else the folder cannot be deleted."""
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted(places, reverse=True):
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", place], capture_output=True, check=False)


def answers(host: str) -> bool:
    """A daemon is there."""
    try:
        done = subprocess.run([DOCKER, "--host", host, "version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
