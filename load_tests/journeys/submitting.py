"""Submit a job, and come back for it, or think better of it."""

import time
import uuid
from typing import Any

from locust import HttpUser, between, task

from load_tests.journeys.answers import check_images, is_refusal
from load_tests.journeys.asking import PROMPT

JOBS = "/v1/jobs"
ENDS = ("finished", "failed", "cancelled", "expired", "dead")
LOOK_AGAIN_S = 0.2
PATIENCE_S = 300.0


class Submitting(HttpUser):
    """Somebody who does not hold a connection open: submits under a key, polls, fetches or cancels."""

    weight = 3
    wait_time = between(0.5, 2)

    @task(3)
    def fetch(self) -> None:
        """Submitted twice under one key, which is one job, and polled until it has ended."""
        body, headers = {"prompt": PROMPT, "num_inference_steps": 8}, {"idempotency-key": uuid.uuid4().hex}
        job_id = self.submit(body, headers)
        if job_id is None or self.submit(body, headers, same=job_id) is None:
            return
        self.poll(job_id)
        with self.client.get(
            f"{JOBS}/{job_id}/result", name=f"{JOBS}/{{id}}/result", catch_response=True
        ) as response:
            check_images(response, 1)

    @task(1)
    def cancel(self) -> None:
        """A job that takes long; cancelling it twice does no harm."""
        job_id = self.submit({"prompt": PROMPT, "num_inference_steps": 40, "cache": "off"}, {})
        if job_id is None:
            return
        for _ in range(2):
            with self.client.delete(
                f"{JOBS}/{job_id}", name=f"{JOBS}/{{id}} (cancel)", catch_response=True
            ) as response:
                if response.status_code != 200 or response.json()["state"] not in ENDS:
                    response.failure(f"status {response.status_code}: it has not ended")

    def submit(self, body: dict[str, Any], headers: dict[str, str], same: str | None = None) -> str | None:
        """The job's id, which has to be ``same`` where that is given; None for a refusal or a failure."""
        with self.client.post(JOBS, json=body, headers=headers, catch_response=True) as response:
            if is_refusal(response):
                return None
            if response.status_code != 202:
                response.failure(f"status {response.status_code}")
                return None
            job_id: str = response.json()["id"]
            if same not in (None, job_id):
                response.failure("one key gave two jobs")
            return job_id

    def poll(self, job_id: str) -> None:
        """Until it has ended."""
        until_s = time.monotonic() + PATIENCE_S
        while not self.is_over(job_id, is_late=time.monotonic() > until_s):
            time.sleep(LOOK_AGAIN_S)

    def is_over(self, job_id: str, is_late: bool) -> bool:
        """The job has ended, or there is no more sense in waiting, which is a failure."""
        with self.client.get(f"{JOBS}/{job_id}", name=f"{JOBS}/{{id}}", catch_response=True) as response:
            if response.status_code == 200 and (response.json()["state"] in ENDS or not is_late):
                return response.json()["state"] in ENDS
            response.failure("it does not end" if is_late else f"status {response.status_code}")
            return True
