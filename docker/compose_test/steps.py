"""What is tried, a function a step, in this order."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from docker.compose_test.base_images import BASE
from docker.compose_test.client import Crowd, generate
from docker.compose_test.commands import Runner, StepFailed, require, say
from docker.compose_test.compose import Compose, exit_codes, wait_for
from docker.compose_test.daemon import DOCKER
from docker.compose_test.prometheus import wait_for_rules, wait_for_targets

CLIENTS = 12
WORKER_READY = "http://127.0.0.1:9100/readyz"
"""In its container."""
NO_TORCH = """
import importlib.metadata, importlib.util, server.cli.commands
importlib.metadata.version("h2serve")
assert importlib.util.find_spec("torch") is None
"""


@dataclass(frozen=True)
class Stage:
    """``api_url`` and ``prometheus_url`` are the published ports."""

    runner: Runner
    compose: Compose
    api_url: str
    prometheus_url: str


def the_file_is_valid_for_both_composes(stage: Stage) -> None:
    """1.29 itself, with and without the GPUs' part."""
    stage.compose("config", "--quiet")
    stage.compose("-f", "docker-compose.yml", "-f", "docker/compose.gpu.yml", "config", "--quiet")


def images_build(stage: Stage) -> None:
    """From the local base and the wheel folder."""
    arguments = ["--build-arg", f"BASE={BASE}", "--build-arg", "PIP_ARGS=--no-index"]
    stage.compose("build", *arguments, "api", "worker", timeout_s=1500)


def the_api_s_image_has_no_torch(stage: Stage) -> None:
    """And its command line comes up without it."""
    stage.runner.run(DOCKER, "run", "--rm", "--entrypoint", "python", "h2serve-api", "-c", NO_TORCH)
    stage.runner.run(DOCKER, "run", "--rm", "h2serve-api", "api", "--help")


def a_wrong_configuration_ends_with_one_line(stage: Stage) -> None:
    """A missing secret and a bad URL."""
    for environment, words in (
        ("H2SERVE_REDIS_PASSWORD_FILE=/no/such", ["--redis=redis://redis:6379/0"]),
        ("H2SERVE_THREADS=1", ["--redis=http://redis"]),
    ):
        command = [DOCKER, "run", "--rm", "--env", environment, "h2serve-api", "api", *words]
        try:
            stage.runner.run(*command, timeout_s=60)
        except StepFailed as error:
            said = [line for line in str(error).splitlines() if line.startswith("h2serve:")]
            require(len(said) == 1, f"said {error}")
        else:
            raise StepFailed(f"{words} was accepted")


def nothing_is_ready_while_the_worker_loads_and_it_may_be_stopped_then(stage: Stage) -> None:
    """It answers 503 and so does the API, which has no other; stopped in the middle it ends with 0."""
    stage.compose("up", "--detach", "--no-build", timeout_s=300)
    (worker,) = stage.compose.containers("worker")

    def is_loading() -> bool:
        complaint = stage.compose.complaint(worker["Id"], WORKER_READY)
        require(bool(complaint), "the worker was ready before anybody looked")
        return "503" in complaint

    wait_for(is_loading, "the worker's port says that it loads", 120, each_s=0.2)
    stage.runner.run(DOCKER, "stop", "--time", "60", worker["Id"])
    require(exit_codes(stage.compose, "worker") == [0], f"it ended with {exit_codes(stage.compose, 'worker')}")
    status = httpx.get(f"{stage.api_url}/readyz", timeout=5, trust_env=False).status_code
    require(status == 503, f"without a worker the API's /readyz was {status}")


def everything_comes_up_healthy(stage: Stage) -> None:
    """api, 2 workers, both Redis and Prometheus."""
    stage.compose("up", "--detach", "--no-build", "--scale", "worker=2", timeout_s=300)
    for service, count in (("redis", 1), ("redis-results", 1), ("api", 1), ("worker", 2)):
        stage.compose.wait_healthy(service, count, within_s=180)

    def is_ready() -> bool:
        return httpx.get(f"{stage.api_url}/readyz", timeout=5, trust_env=False).status_code == 200

    wait_for(is_ready, "the API is ready: a worker has loaded its model", 240)


def an_image_comes_through_the_published_port(stage: Stage) -> None:
    """The same for the same seed."""
    require(generate(stage.api_url).sha256 == generate(stage.api_url).sha256, "two images of one seed differ")


def a_killed_worker_comes_back(stage: Stage) -> None:
    """Its main process by SIGKILL from outside, while requests run; the restart policy brings it back."""
    victim = stage.compose.containers("worker")[0]
    crowd = Crowd(stage.api_url, CLIENTS)
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(crowd.generate_all)
        crowd.wait_until_started()
        os.kill(victim["State"]["Pid"], signal.SIGKILL)
        require(len({each.job_id for each in made.result()}) == CLIENTS, "two clients got one job")

    def has_restarted() -> bool:
        now = {container["Id"]: container for container in stage.compose.containers("worker")}
        return bool(now[victim["Id"]]["RestartCount"] > victim["RestartCount"])

    wait_for(has_restarted, "the worker was restarted", 60)
    stage.compose.wait_healthy("worker", 2, within_s=120)


def workers_scale(stage: Stage) -> None:
    """To three, and Prometheus finds the third; then back."""
    stage.compose("up", "--detach", "--no-build", "--no-recreate", "--scale", "worker=3")
    stage.compose.wait_healthy("worker", 3, within_s=180)
    wait_for_targets(stage.prometheus_url, api=1, workers=3)
    stage.compose("up", "--detach", "--no-build", "--no-recreate", "--scale", "worker=2")
    wait_for_targets(stage.prometheus_url, api=1, workers=2)


def the_api_is_recreated_under_load(stage: Stage) -> None:
    """Clients repeat with their key, and each ends with exactly one result.

    How many had to is said and not required: on a fast machine all may be through before the API is stopped.
    """
    crowd = Crowd(stage.api_url, CLIENTS)
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(crowd.generate_all)
        crowd.wait_until_started()
        stage.compose("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "api")
        first = made.result()
    say(f"   {len(crowd.repeated)} of {CLIENTS} clients were cut off or refused, and repeated")
    require(len({each.job_id for each in first}) == CLIENTS, "two clients got one job")
    require(crowd.ask_again() == first, "a repeated request was answered by another job")
    stage.compose.wait_healthy("api", 1, within_s=90)


def prometheus_has_the_rules_values(stage: Stage) -> None:
    """Targets up, and what the rules record."""
    wait_for_targets(stage.prometheus_url, api=1, workers=2)
    require(wait_for_rules(stage.prometheus_url, lambda: generate(stage.api_url)) > 0, "no recording rule")


def drained_containers_end_with_0(stage: Stage) -> None:
    """Stopped as compose stops: by a signal, with the grace time."""
    stage.compose("stop", timeout_s=180)
    for service in ("api", "worker", "redis", "redis-results"):
        codes = exit_codes(stage.compose, service)
        require(set(codes) == {0}, f"{service} ended with {codes}")


STEPS = (
    the_file_is_valid_for_both_composes,
    images_build,
    the_api_s_image_has_no_torch,
    a_wrong_configuration_ends_with_one_line,
    nothing_is_ready_while_the_worker_loads_and_it_may_be_stopped_then,
    everything_comes_up_healthy,
    an_image_comes_through_the_published_port,
    a_killed_worker_comes_back,
    workers_scale,
    the_api_is_recreated_under_load,
    prometheus_has_the_rules_values,
    drained_containers_end_with_0,
)
