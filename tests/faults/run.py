"""One run: what clients ask of the processes, what they are told, and whether everything was kept at its end."""

import base64
import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import redis as redis_py

from tests.cluster.processes import ServerProcess, until, until_ready
from tests.faults.history import ENDS, LOST, History, faults_of, is_a_losers_checkpoint

IMAGES = "/v1/images/generations"
TIDY_S = 8.0
"""How long the last clean-up may take: sweeps are a second apart, a worker's deletions come after the end."""


class Run:
    """``client`` may be exchanged for another API's. ``stores`` are the URLs of the Redis servers to look into."""

    def __init__(self, client: httpx.Client, *stores: str) -> None:
        self.client, self.stores = client, stores
        self.history = History()
        self.taken_over: set[str] = set()
        """Jobs that had more than one attempt: a loser's checkpoints may be left, if they expire."""

    def submit(self, seed: int, prompt: str = "a star", **body: Any) -> str:
        """A job that lives on whoever waits for it; its id."""
        response = self.client.post(IMAGES, json=body_of(seed, prompt, body), headers={"Prefer": "respond-async"})
        assert response.status_code == 202, response.text
        job_id = str(response.json()["id"])
        self.history.submit(job_id)
        self.history.acknowledge(job_id)
        return job_id

    def submit_many(self, count: int, **body: Any) -> list[str]:
        """Jobs with the seeds 0, 1, 2, ..."""
        return [self.submit(seed, **body) for seed in range(count)]

    def ask(self, seed: int, prompt: str = "a star", key: str | None = None, **body: Any) -> httpx.Response:
        """Wait for the image; what comes of it is noted under the job's id, of a lost one under its seed."""
        headers = {} if key is None else {"Idempotency-Key": key}
        response = self.client.post(IMAGES, json=body_of(seed, prompt, body), headers=headers)
        if response.status_code == 200:
            job_id = response.headers["x-job-id"]
            self.history.submit(job_id)
            self.history.acknowledge(job_id)
            self.history.end(job_id, "finished", hashlib.sha256(image_in(response)).hexdigest())
        elif response.status_code == 500 and response.json()["error"]["code"] == "job_lost":
            self.history.submit(f"seed {seed}")
            self.history.acknowledge(f"seed {seed}")
            self.history.end(f"seed {seed}", LOST)
        return response

    def ask_aside(self, clients: ThreadPoolExecutor, seeds: range, **body: Any) -> list[Future[httpx.Response]]:
        """The same by clients who wait at the same time."""
        return [clients.submit(self.ask, seed, **body) for seed in seeds]

    def state_of(self, job_id: str) -> str:
        return str(self.client.get(f"/v1/jobs/{job_id}").json()["state"])

    def attempts(self, jobs: Sequence[str]) -> list[int]:
        return [int(self.client.get(f"/v1/jobs/{job_id}").json()["attempt"]) for job_id in jobs]

    def until_running(self, jobs: Sequence[str]) -> None:
        until(lambda: all(self.state_of(job_id) == "running" for job_id in jobs))

    def until_ready(self) -> None:
        until_ready(self.client)

    def ends(self, jobs: Sequence[str]) -> list[str]:
        """Wait for the jobs' ends and note each with its result."""
        return [self._end(job_id) for job_id in jobs]

    def _end(self, job_id: str) -> str:
        until(lambda: self.state_of(job_id) in ENDS)
        return self._note(job_id)

    def end_within(self, job_id: str, seconds: float) -> None:
        """Note the job's end, if there is one by then."""
        until_s = time.monotonic() + seconds
        while self.state_of(job_id) not in ENDS:
            if time.monotonic() > until_s:
                return
            time.sleep(0.1)
        self._note(job_id)

    def _note(self, job_id: str) -> str:
        """A result that cannot be had is noted as none, which the checker will remark.

        Of a job that was taken again an earlier holder may leave a checkpoint, stored as it was killed or slept
        and never told of: it expires by itself.
        """
        job = self.client.get(f"/v1/jobs/{job_id}").json()
        state = str(job["state"])
        if int(job["attempt"]) > 1:
            self.taken_over.add(job_id)
        result = self.client.get(f"/v1/jobs/{job_id}/result")
        is_there = state == "finished" and result.status_code == 200
        self.history.end(job_id, state, hashlib.sha256(image_in(result)).hexdigest() if is_there else None)
        return state

    def image_of(self, job_id: str) -> bytes:
        """The file of a finished job."""
        response = self.client.get(f"/v1/jobs/{job_id}/result")
        assert response.status_code == 200, response.text
        return image_in(response)

    def blobs(self, job_id: str) -> list[str]:
        """Names of what the results store holds of a job's images, one a lease that made one."""
        with redis_py.Redis.from_url(self.stores[-1]) as store:
            keys = [key.decode() for key in store.keys(f"h2serve:results:{job_id}/0/*")]
            return [key for key in keys if "/checkpoint/" not in key]

    def check(self, may_lose: bool = False) -> None:
        """Hold the history and what is left against the promises, once the last clean-up has been done."""
        until_s = time.monotonic() + TIDY_S
        while wrong := self.faults(may_lose):
            assert time.monotonic() < until_s, wrong
            time.sleep(0.1)

    def faults(self, may_lose: bool = False) -> list[str]:
        """What is wrong now."""
        keys: list[str] = []
        for url in self.stores:
            with redis_py.Redis.from_url(url, decode_responses=True) as store:
                keys += [key for key in store.scan_iter() if store.ttl(key) < 0 or not self._is_a_losers(key)]
        return faults_of(self.history, self.images_in_queue(), keys, may_lose)

    def _is_a_losers(self, key: str) -> bool:
        job_id = key.removeprefix("h2serve:results:").partition("/")[0]
        if job_id not in self.taken_over:
            return False
        with redis_py.Redis.from_url(self.stores[0], decode_responses=True) as queue:
            return is_a_losers_checkpoint(key, str(queue.hget(f"{{h2serve}}:job:{job_id}", "result")))

    def images_in_queue(self) -> int:
        """Waiting and running, as the API counts them."""
        return sum(int(metric(self.client, f"h2serve_queue_images_{what}")) for what in ("running", "waiting"))


def body_of(seed: int, prompt: str, changes: dict[str, Any]) -> dict[str, Any]:
    """40 steps of a small image without a cache, but for the changes."""
    plain = {"prompt": prompt, "seed": seed, "num_inference_steps": 40, "cache": "off", "size": "64x64"}
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


def image_in(response: httpx.Response) -> bytes:
    """The one image's file."""
    (image,) = response.json()["data"]
    return base64.b64decode(image["b64_json"])


def metric(process: httpx.Client | ServerProcess, name: str) -> float:
    """One number of the /metrics page of an API or of a worker's port; the name as it stands there, labels too."""
    (value,) = [
        line.rsplit(" ", 1)[1] for line in process.get("/metrics").text.splitlines() if line.startswith(f"{name} ")
    ]
    return float(value)
