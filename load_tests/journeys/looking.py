"""Look at what there is to be had."""

from locust import HttpUser, between, task


class Looking(HttpUser):
    """A web interface that lists models and presets, and a balancer that asks whether the server is ready."""

    weight = 1
    wait_time = between(0.5, 2)

    @task
    def look(self) -> None:
        """Every list has something in it."""
        for path in ("/v1/models", "/v1/presets"):
            with self.client.get(path, catch_response=True) as response:
                if response.status_code == 200 and not response.json()["data"]:
                    response.failure("the list is empty")
        self.client.get("/readyz")
