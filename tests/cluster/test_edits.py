"""Edits through Redis: the images reach whichever worker takes the job, and are gone when it has ended."""

import base64
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import httpx
import numpy as np
import redis as redis_py
from PIL import Image

from server.engine.paste import FEATHER
from tests.api.pictures import file_of, picture, with_hole
from tests.cluster.processes import Cluster, until, until_ready
from tests.cluster.test_processes import running
from tests.redis_server import RedisServer

BOX = (16, 16, 48, 48)


def edit(client: httpx.Client, seed: int) -> httpx.Response:
    files = {
        "image": ("a.png", file_of(picture(64, 64, seed=seed)), "image/png"),
        "mask": ("m.png", file_of(with_hole(64, 64, BOX)), "image/png"),
    }
    data = {"prompt": "a star", "seed": str(seed), "num_inference_steps": "20", "cache": "off"}
    return client.post("/v1/images/edits", data=data, files=files)


def assert_made(response: httpx.Response, seed: int) -> None:
    """Outside of the feather it is the input's own pixels."""
    assert response.status_code == 200, response.text
    content = base64.b64decode(response.json()["data"][0]["b64_json"])
    made = np.asarray(Image.open(BytesIO(content)).convert("RGB"))
    stays = np.ones((64, 64), bool)
    stays[BOX[1] - FEATHER : BOX[3] + FEATHER, BOX[0] - FEATHER : BOX[2] + FEATHER] = False
    assert np.array_equal(made[stays], np.asarray(picture(64, 64, seed=seed))[stays])
    assert not np.array_equal(made[20:44, 20:44], np.asarray(picture(64, 64, seed=seed))[20:44, 20:44])


def inputs_in(server: RedisServer) -> list[bytes]:
    with redis_py.Redis.from_url(server.url) as client:
        return [key for key in client.keys("*") if b"/in/" in key]


def test_edits_outlive_the_worker_that_has_them_and_leave_nothing(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        victim = processes.worker()
        until_ready(client)
        assert_made(edit(client, 1), 1)
        until(lambda: not inputs_in(redis))
        processes.worker()
        with ThreadPoolExecutor(6) as clients:
            answers = clients.map(lambda seed: edit(client, seed), range(6))
            until(lambda: running(client) >= 4)
            assert inputs_in(redis)
            victim.kill()
            for seed, answer in enumerate(answers):
                assert_made(answer, seed)
        until(lambda: not inputs_in(redis))
