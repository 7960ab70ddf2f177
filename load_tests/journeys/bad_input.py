"""Send what is wrong, and expect to be told what."""

from typing import Any

from locust import HttpUser, between, task

from load_tests.journeys.asking import PATH, PROMPT

WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"prompt": 7}, "prompt"),
    ({"prompt": PROMPT, "n": 0}, "n"),
    ({"prompt": PROMPT, "size": "1x1"}, "size"),
    ({"prompt": PROMPT, "tau1": -1}, "tau1"),
    ({"prompt": PROMPT, "cache": {"tau3": 0.1}}, "cache.tau3"),
    ({"prompt": PROMPT, "cache": "no-such-preset"}, "cache"),
)


class Mistaken(HttpUser):
    """Somebody whose requests are wrong: a 400 in OpenAI's envelope with the field's name, never a 500."""

    weight = 1
    wait_time = between(0.5, 2)

    @task
    def send_each(self) -> None:
        """One after the other."""
        for body, param in WRONG:
            with self.client.post(PATH, json=body, name=f"{PATH} (wrong)", catch_response=True) as response:
                said = response.json().get("error", {}) if response.status_code == 400 else {}
                if said.get("param") == param:
                    response.success()
                else:
                    response.failure(f"{param}: status {response.status_code}, param {said.get('param')}")

    @task
    def send_no_json(self) -> None:
        """Bytes that are no JSON."""
        headers = {"content-type": "application/json"}
        with self.client.post(
            PATH, data=b"{", headers=headers, name=f"{PATH} (no JSON)", catch_response=True
        ) as response:
            if response.status_code == 400:
                response.success()
