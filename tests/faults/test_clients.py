"""Clients that are slow or leave."""

import base64
import json
import socket
import time
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image

from tests.api.pictures import file_of, picture, with_hole
from tests.cluster.processes import Cluster, until
from tests.faults.case import case
from tests.faults.run import IMAGES, Run, body_of, metric
from tests.redis_server import RedisServer

SIDE, MANY = 192, 10
"""Ten images of noise: an answer of more than a megabyte."""
SLOW_S = 8


@case()
def test_a_client_reads_a_big_result_at_a_byte_a_second(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        processes.worker()
        run = Run(client, redis.url)
        run.until_ready()
        with sent(noisy_edit(client)) as slow:
            read = b""
            for _ in range(SLOW_S):
                read += slow.recv(1)
                time.sleep(1)
            assert read == b"HTTP/1.1"[:SLOW_S] and unsent_bytes(slow) > 0, "the answer is there, and waits for it"
            answers = [run.ask(seed) for seed in range(4)]
            assert [answer.status_code for answer in answers] == [200] * 4, "others are not held up"
            head, _, body = read_all(slow, read).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200") and len(body) > 10**6
        files = [base64.b64decode(each["b64_json"]) for each in json.loads(body)["data"]]
        assert [Image.open(BytesIO(file)).size for file in files] == [(SIDE, SIDE)] * MANY
        run.check()


@case()
def test_a_client_leaves_while_it_waits(redis: RedisServer, processes: Cluster) -> None:
    _, client = processes.api()
    with client:
        worker = processes.worker("slow-step:step_s=0.1")
        run = Run(client, redis.url)
        run.until_ready()
        body = body_of(1, "a star", {"num_inference_steps": 100})
        with sent(client.build_request("POST", IMAGES, json=body)) as leaving:
            until(lambda: run.images_in_queue() == 1)
            (job,) = client.get("/v1/jobs").json()["data"]
            run.history.submit(job["id"])
            run.history.acknowledge(job["id"])
            run.until_running([job["id"]])
            assert unsent_bytes(leaving) == 0, "it was waiting"
        assert run.ends([job["id"]]) == ["cancelled"]
        until(lambda: metric(worker, 'h2serve_images_total{end="dropped"}') == 1)
        steps = int(client.get(f"/v1/jobs/{job['id']}").json()["step"])
        assert steps < 100, "nobody wants the rest"
        run.check()


def noisy_edit(client: httpx.Client) -> httpx.Request:
    """Images that keep nearly all of an input of noise, which no file format makes small."""
    files = {
        "image": ("a.png", file_of(picture(SIDE, SIDE)), "image/png"),
        "mask": ("m.png", file_of(with_hole(SIDE, SIDE, (80, 80, 112, 112))), "image/png"),
    }
    data = {"prompt": "a star", "seed": "1", "num_inference_steps": "4", "cache": "off", "n": str(MANY)}
    return client.build_request("POST", "/v1/images/edits", data=data, files=files)


def sent(request: httpx.Request) -> socket.socket:
    """The request over a connection that takes in little at a time, and is closed when it has been answered."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((request.url.host, request.url.port))
    fields = {**request.headers, "connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    connection.sendall(f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.read())
    return connection


def unsent_bytes(connection: socket.socket) -> int:
    """What the kernel holds for it on the server's side of the loopback."""
    ends = f":{connection.getpeername()[1]:04X}", f":{connection.getsockname()[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if local.endswith(ends[0]) and remote.endswith(ends[1]):
            return int(queues.partition(":")[0], 16)
    raise AssertionError("there is no such connection")


def read_all(connection: socket.socket, begun: bytes) -> bytes:
    """Up to the server's close."""
    pieces = [begun]
    while piece := connection.recv(2**16):
        pieces.append(piece)
    return b"".join(pieces)
