"""``python -m docker.compose_test``: all steps; ends with ``N passed, N failed``."""

import argparse
import contextlib
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from docker.compose_test.base_images import PROMETHEUS, REDIS, make_base_images
from docker.compose_test.bounds import DEADLINE_S, MOST_MB, OutOfTime, deadline, disk_mb
from docker.compose_test.commands import Runner, StepFailed, require, say
from docker.compose_test.compose import Compose
from docker.compose_test.daemon import docker_host
from docker.compose_test.packages import install_packages
from docker.compose_test.steps import STEPS, Stage
from docker.compose_test.wheels import ROOT, make_wheels


def main() -> None:
    """Exit code 1 when a step failed; the steps after it are not tried, since each builds on those before."""
    parser = argparse.ArgumentParser(prog="python -m docker.compose_test", description=__doc__)
    parser.add_argument(
        "--work", type=Path, default=Path("/var/tmp/h2serve-compose"), help="folder for everything"
    )
    parser.add_argument("--steps", type=int, default=len(STEPS), help="only the first so many (all)")
    parser.add_argument("--keep", action="store_true", help="keep the daemon's images for the next run")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    passed, failure = run(arguments.work, arguments.steps, arguments.keep)
    if failure:
        say(failure)
    say(f"{passed} passed, {1 if failure else 0} failed")
    sys.exit(1 if failure else 0)


def run(work: Path, steps: int, is_kept: bool) -> tuple[int, str]:
    """How many steps passed, and why the next one did not."""
    work.mkdir(parents=True, exist_ok=True)
    log, passed, until_s = work / "commands.log", 0, time.monotonic() + DEADLINE_S
    log.unlink(missing_ok=True)
    try:
        with timed("packages"):
            install_packages(Runner(os.environ, log))
        with docker_host(work / "docker") as host:
            api_port, prometheus_port = free_port(), free_port()
            runner = Runner(environment(host, api_port, prometheus_port), log)
            compose = Compose(runner)
            urls = (f"http://127.0.0.1:{port}" for port in (api_port, prometheus_port))
            stage = Stage(runner, compose, *urls)
            try:
                with deadline(until_s):
                    with timed("base images"):
                        make_base_images(runner, work)
                    with timed("wheels"):
                        make_wheels(Runner(os.environ, log), work / "wheels")
                    for step in STEPS[:steps]:
                        with timed(step.__name__.replace("_", " ")):
                            step(stage)
                        passed += 1
            finally:
                tear_down(compose)
            taken_mb = disk_mb(work)
            say(f"{taken_mb} MB in {work}, allowed are {MOST_MB}")
            require(taken_mb <= MOST_MB, "the work folder is too large")
    except (StepFailed, OutOfTime) as error:
        return passed, f"{error}\nthe whole output is in {log}"
    if not is_kept:
        shutil.rmtree(work / "docker", ignore_errors=True)
    return passed, ""


def environment(host: str, api_port: int, prometheus_port: int) -> dict[str, str]:
    """Ours, and what docker-compose.yml takes. The classic builder: nothing of BuildKit may be needed."""
    # docker-compose 1.29 is Python and has a package `docker` too: ours must not be found before it.
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {
        **ours,
        "DOCKER_HOST": host,
        "DOCKER_BUILDKIT": "0",
        "COMPOSE_DOCKER_CLI_BUILD": "0",
        "COMPOSE_PROJECT_NAME": "h2serve-test",
        "REDIS_IMAGE": REDIS,
        "PROMETHEUS_IMAGE": PROMETHEUS,
        "H2SERVE_PORT": str(api_port),
        "PROMETHEUS_PORT": str(prometheus_port),
    }


def tear_down(compose: Compose) -> None:
    """Containers, networks and volumes of the project."""
    with contextlib.suppress(StepFailed):
        compose("logs", "--no-color", "--tail", "200")
    with contextlib.suppress(StepFailed):
        compose("down", "--volumes", "--remove-orphans", timeout_s=180)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long it took."""
    started_s = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"FAILED after {time.monotonic() - started_s:5.1f} s: {what}")
        raise
    say(f"ok {time.monotonic() - started_s:6.1f} s: {what}")


def free_port() -> int:
    """Of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
