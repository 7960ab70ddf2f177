"""A key's bounds are held over all API processes together, and a process that dies takes none of them along."""

from pathlib import Path

import httpx

from server.access.caller import Caller, Limits
from server.access.key import ApiKey, digest
from server.access.key_file import write_keys
from tests.cluster.processes import Cluster, until, until_ready

LIMITS = {"few": Limits(max_in_flight=2), "slow": Limits(cost_per_s=0.0001, burst=0.1)}


def submit(client: httpx.Client, key: str, images: int = 1) -> httpx.Response:
    body = {"prompt": "a star", "n": images, "num_inference_steps": 20, "cache": "off", "size": "64x64"}
    return client.post("/v1/jobs", json=body, headers={"x-key": key})


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_images_under_way_and_rates_are_counted_over_all_processes(processes: Cluster, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    write_keys(keys, [ApiKey(digest(name), Caller(name, name, limits=LIMITS[name]), 0) for name in LIMITS])
    processes.worker("slow-step:step_s=0.2")
    (dying, one), (_, other) = (processes.api("--keys", str(keys)) for _ in range(2))
    with one, other:
        for client in (one, other):
            until_ready(client)
        assert submit(one, "slow").status_code == 202, "20 steps of 64 x 64 pixels cost 0.078"
        assert refusal(submit(other, "slow")) == (429, "rate_limited")

        job = submit(one, "few").json()
        assert submit(other, "few").status_code == 202
        for client in (one, other):
            assert refusal(submit(client, "few")) == (429, "rate_limited")
        dying.kill()
        assert refusal(submit(other, "few")) == (429, "rate_limited"), "its job goes on"
        other.delete(f"/v1/jobs/{job['id']}", headers={"x-key": "few"}).raise_for_status()
        until(lambda: submit(other, "few").status_code == 202)
