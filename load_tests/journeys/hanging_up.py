"""Ask for an image and leave before it is there."""

from locust import HttpUser, between, task

from load_tests.journeys.asking import PATH, PROMPT

PATIENCE_S = 0.05


class HangingUp(HttpUser):
    """Somebody without patience. The server must drop the work and stay well."""

    weight = 1
    wait_time = between(1, 3)

    @task
    def leave(self) -> None:
        """No answer is what we wanted; one that was faster than us is none the worse."""
        body = {"prompt": PROMPT, "num_inference_steps": 40, "cache": "off"}
        with self.client.post(
            PATH, json=body, name=f"{PATH} (hung up)", timeout=PATIENCE_S, catch_response=True
        ) as response:
            if response.status_code in (0, 200, 429):
                response.success()
            else:
                response.failure(f"status {response.status_code}")
        with self.client.get("/livez", catch_response=True) as response:
            if response.status_code == 404:  # a server that has no such route
                response.success()
