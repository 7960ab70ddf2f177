"""The compose file's services, by docker-compose 1.29 and by docker."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from docker.compose_test.commands import Runner, StepFailed, require
from docker.compose_test.daemon import DOCKER

COMPOSE = "/usr/bin/docker-compose"


@dataclass(frozen=True)
class Compose:
    """One project."""

    runner: Runner
    profiles: Sequence[str] = ("--profile", "monitoring")

    def __call__(self, *words: str, timeout_s: float = 600.0) -> str:
        """What the command printed."""
        return self.runner.run(COMPOSE, *self.profiles, *words, timeout_s=timeout_s)

    def containers(self, service: str, are_all: bool = False) -> list[dict[str, Any]]:
        """What docker knows of a service's containers; of ended ones too where all are wanted."""
        ids = self("ps", "--quiet", *(["--all"] if are_all else []), service).split()
        if not ids:
            return []
        found: list[dict[str, Any]] = json.loads(self.runner.run(DOCKER, "inspect", *ids))
        return found

    def wait_healthy(self, service: str, count: int, within_s: float) -> None:
        """So many containers of the service are healthy."""

        def is_so() -> bool:
            states = [container["State"].get("Health", {}) for container in self.containers(service)]
            return [state.get("Status") for state in states].count("healthy") == count

        wait_for(is_so, f"{count} healthy {service}", within_s)

    def complaint(self, container_id: str, url: str) -> str:
        """What the health check in a container has to say of a URL; nothing of one that answers 200."""
        try:
            self.runner.run(DOCKER, "exec", container_id, "python3", "docker/healthcheck.py", url)
        except StepFailed as error:
            return str(error)
        return ""


def wait_for(is_so: Callable[[], bool], what: str, within_s: float, each_s: float = 1.0) -> None:
    """Raises StepFailed when it does not come true in time."""
    until_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > until_s:
            raise StepFailed(f"not within {within_s:g} s: {what}")
        time.sleep(each_s)


def exit_codes(compose: Compose, service: str) -> list[int]:
    """Of all its containers, ended ones included. There must be one."""
    found = compose.containers(service, are_all=True)
    require(bool(found), f"no container of {service}")
    return [container["State"]["ExitCode"] for container in found]
