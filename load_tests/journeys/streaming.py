"""Watch an image come into being."""

import json
import time
from collections.abc import Iterator
from typing import Any

from locust import HttpUser, between, task
from locust.clients import ResponseContextManager

from load_tests.journeys.answers import is_refusal
from load_tests.journeys.asking import PATH, PROMPT

COMPLETED = "image_generation.completed"


class Streaming(HttpUser):
    """Somebody with a page that shows previews, who sometimes closes it in the middle."""

    weight = 2
    wait_time = between(0.5, 2)

    @task(3)
    def watch(self) -> None:
        """To the last event, and the time is to there: the head of a stream comes at once."""
        began_s = time.monotonic()
        with self.open("stream", num_inference_steps=8) as response:
            if has_begun(response):
                told = [event["type"] for event in events_in(response)]
                response.request_meta["response_time"] = 1000 * (time.monotonic() - began_s)
                if told[-1:] != [COMPLETED]:
                    response.failure(f"the stream ended with {told[-1:]}")

    @task(1)
    def leave(self) -> None:
        """After the first preview, or before it: the server must drop the work and stay well."""
        with self.open("stream, left", num_inference_steps=40, cache="off") as response:
            if has_begun(response):
                next(events_in(response), None)
                response.close()
        self.client.get("/livez")

    def open(self, name: str, **changes: Any) -> ResponseContextManager:
        """Ask for a stream; what is in it has yet to be read."""
        body = {"prompt": PROMPT, "stream": True, "partial_images": 2, **changes}
        opened: ResponseContextManager = self.client.post(
            PATH, json=body, name=f"{PATH} ({name})", stream=True, catch_response=True
        )
        return opened


def has_begun(response: ResponseContextManager) -> bool:
    """A stream of events is coming."""
    if is_refusal(response):
        return False
    kind = response.headers.get("content-type", "")
    if response.status_code != 200 or not kind.startswith("text/event-stream"):
        response.failure(f"status {response.status_code}, content type {kind!r}")
        return False
    return True


def events_in(response: ResponseContextManager) -> Iterator[dict[str, Any]]:
    """What the events say, as they come."""
    for line in response.iter_lines():
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))
