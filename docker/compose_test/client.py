"""Clients of the published port: one image, and many that repeat until each has its own."""

import hashlib
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from docker.compose_test.commands import StepFailed, require

PATH = "/v1/images/generations"
PATIENCE_S = 240.0
STEPS = 12


@dataclass(frozen=True)
class Made:
    """A job's id and its image's hash."""

    job_id: str
    sha256: str


def body(seed: int) -> dict[str, Any]:
    """A short one."""
    return {
        "prompt": "a large red heart at the left on a blue background",
        "seed": seed,
        "num_inference_steps": STEPS,
    }


def generate(
    url: str, seed: int = 7, key: str | None = None, on_repeat: Callable[[int], None] = lambda seed: None
) -> Made:
    """One image, repeated under its Idempotency-Key through refusals and lost connections, as clients do."""
    headers = {"idempotency-key": key or uuid.uuid4().hex}
    until_s, said = time.monotonic() + PATIENCE_S, "no answer"
    while time.monotonic() < until_s:
        try:
            answer = httpx.post(url + PATH, json=body(seed), headers=headers, timeout=60, trust_env=False)
        except httpx.HTTPError as error:
            said = type(error).__name__
        else:
            if answer.status_code == 200:
                return read(answer.json())
            said = f"{answer.status_code} {answer.text[:200]}"
            require(answer.status_code in (429, 503), said)
        on_repeat(seed)
        time.sleep(0.5)
    raise StepFailed(f"no image in {PATIENCE_S:g} s, last: {said}")


def read(answer: dict[str, Any]) -> Made:
    """By the image's content, as it came."""
    content: str = answer["data"][0]["b64_json"]
    return Made(answer["id"], hashlib.sha256(content.encode("ascii")).hexdigest())


@dataclass
class Crowd:
    """So many clients at once, each with a key and a seed of its own; ``repeated`` are the seeds that were."""

    url: str
    count: int

    def __post_init__(self) -> None:
        self._keys = [uuid.uuid4().hex for _ in range(self.count)]
        self._started = threading.Event()
        self.repeated: set[int] = set()

    def generate_all(self) -> list[Made]:
        """In order of the seeds."""
        with ThreadPoolExecutor(self.count) as threads:
            seeds = enumerate(self._keys)
            asked = [threads.submit(generate, self.url, seed, key, self.repeated.add) for seed, key in seeds]
            self._started.set()
            return [each.result() for each in asked]

    def wait_until_started(self) -> None:
        """All have been let go."""
        self._started.wait()

    def ask_again(self) -> list[Made]:
        """With the same keys: what was made is given again, not made again."""
        return [generate(self.url, seed, key) for seed, key in enumerate(self._keys)]
