"""A stream with previews and a job with its events, through Redis: an API process, a worker process."""

import base64

from tests.cluster.processes import Cluster, until_ready
from tests.sse import events_in

BODY = {"prompt": "a star", "seed": 7, "num_inference_steps": 12, "cache": "off", "size": "64x64"}


def test_a_stream_and_a_job_go_through_redis_and_come_to_the_same_image(processes: Cluster) -> None:
    _, client = processes.api()
    processes.worker()
    with client:
        until_ready(client)
        streamed = client.post("/v1/images/generations", json={**BODY, "stream": True, "partial_images": 2})
        *partials, completed = events_in(streamed.text)
        assert [event.name for event in partials] == ["image_generation.partial_image"] * 2
        assert [event.data["partial_image_index"] for event in partials] == [0, 1]
        assert completed.name == "image_generation.completed"

        submitted = client.post("/v1/jobs", json={**BODY, "response_format": "url"})
        assert submitted.status_code == 202
        path = f"/v1/jobs/{submitted.json()['id']}"
        told = events_in(client.get(f"{path}/events").text)
        kinds = [event.name.removeprefix("job.") for event in told]
        assert (kinds[0], kinds[-1]) == ("queued", "finished")
        assert [event.data["step"] for event in told if event.name == "job.step"][-1] == 12
        again = client.get(f"{path}/events", headers={"last-event-id": told[0].id or ""})
        assert events_in(again.text) == told[1:]

        (image,) = client.get(f"{path}/result").json()["data"]
        content = client.get(image["url"]).content
        assert content == base64.b64decode(completed.data["b64_json"])
        assert client.get(path).json()["state"] == "finished"
        assert client.delete(path).json()["state"] == "finished"
        assert path.endswith(client.get("/v1/jobs?limit=1").json()["first_id"])
