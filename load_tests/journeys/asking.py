"""Ask for an image and look at it."""

from typing import Any

from locust import HttpUser, between, task

from load_tests.journeys.answers import check_images

PATH = "/v1/images/generations"
PROMPT = "a large red heart at the left on a blue background"
PAIRS = ((0.08, 0.10), (0.15, 0.22), (0.25, 0.35))


class Asking(HttpUser):
    """Somebody who wants images under changing thresholds. A 429 with Retry-After is an honest answer."""

    weight = 6
    wait_time = between(0.5, 2)

    @task(5)
    def one_image(self) -> None:
        """Thresholds of its own in each request."""
        tau1, tau2 = PAIRS[self.environment.stats.num_requests % len(PAIRS)]
        self.ask(f"{PATH} (thresholds)", {"tau1": tau1, "tau2": tau2})

    @task(1)
    def several_images(self) -> None:
        """Two of one prompt."""
        self.ask(f"{PATH} (n = 2)", {"n": 2, "cache": "off"}, images=2)

    def ask(self, name: str, changes: dict[str, Any], images: int = 1) -> None:
        """Check the answer."""
        body = {"prompt": PROMPT, "num_inference_steps": 8, **changes}
        with self.client.post(PATH, json=body, name=name, catch_response=True) as response:
            check_images(response, images)
