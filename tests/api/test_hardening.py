"""Strangers who send too much, too slowly or no HTTP at all: they are cut off, and the server goes on."""

import asyncio
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest

from server.engine.fake import InstantEngine
from server.http_server import LONGEST_HEAD
from server.jobs.memory import MemoryQueue
from tests.api.conftest import assert_still_serving, error_of, generate
from tests.api.parts import api_parts, client_of
from tests.live import live_server

HEAD_S, BODY_S, PATIENCE_S = 0.5, 0.6, 20.0
LIMIT = 20_000
POST = "POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

SMUGGLED = POST.encode() + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def hurried() -> Iterator[httpx.Client]:
    """A server with little patience."""
    with live_server(
        InstantEngine, head_timeout_s=HEAD_S, body_timeout_s=BODY_S, body_limit_bytes=LIMIT
    ) as client:
        yield client


def connect(client: httpx.Client) -> socket.socket:
    stream = socket.create_connection((client.base_url.host, client.base_url.port or 80), PATIENCE_S)
    stream.settimeout(PATIENCE_S)
    return stream


def drip(stream: socket.socket, content: bytes) -> bytes:
    """Send a byte each 20 ms until the server has had enough; what it answered before it closed the connection."""
    for byte in content:
        if select.select([stream], [], [], 0.02)[0]:
            break
        try:
            stream.sendall(bytes([byte]))
        except ConnectionError:
            return b""
    return rest_of(stream)


def rest_of(stream: socket.socket) -> bytes:
    """What comes until the connection is closed."""
    answer = b""
    with suppress(ConnectionError):
        while chunk := stream.recv(65536):
            answer += chunk
    return answer


def test_a_head_that_comes_a_byte_at_a_time_is_cut_off(hurried: httpx.Client) -> None:
    with connect(hurried) as stream:
        began_s = time.monotonic()
        assert drip(stream, b"GET /livez HTTP/1.1\r\nhost: " + b"x" * 1500) == b""
        assert time.monotonic() - began_s < PATIENCE_S
    assert_still_serving(hurried)


def test_a_second_head_on_the_same_connection_is_cut_off_too(hurried: httpx.Client) -> None:
    with connect(hurried) as stream:
        stream.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = b""
        while b"alive" not in answer:
            answer += stream.recv(65536)
        assert drip(stream, b"GET /livez HTTP/1.1\r\nhost: " + b"x" * 1500) == b""


def test_a_connection_that_says_nothing_is_closed(hurried: httpx.Client) -> None:
    with connect(hurried) as stream:
        assert stream.recv(1) == b""


def test_a_body_that_comes_a_byte_at_a_time_is_a_408_and_the_connection_ends(hurried: httpx.Client) -> None:
    for head in ("content-length: 5000\r\n\r\n", "transfer-encoding: chunked\r\n\r\n1388\r\n"):
        with connect(hurried) as stream:
            stream.sendall((POST + head).encode())
            answer = drip(stream, b'{"prompt": "' + b"x" * 3000)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"request_timeout"' in answer
    assert_still_serving(hurried)


def test_a_body_that_still_comes_when_its_request_was_refused_is_cut_off(hurried: httpx.Client) -> None:
    with connect(hurried) as stream:
        stream.sendall(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n")
        answer = b""
        while b"}}" not in answer:
            answer += stream.recv(65536)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert drip(stream, b"x" * 4000) == b""


def test_a_body_that_takes_its_time_but_comes_is_served(hurried: httpx.Client) -> None:
    body = b'{"prompt": "a red star"}'
    with connect(hurried) as stream:
        stream.sendall(f"{POST}content-length: {len(body)}\r\n\r\n".encode() + body[:10])
        time.sleep(BODY_S / 3)
        stream.sendall(body[10:])
        assert stream.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_chunked_body_over_the_limit_is_refused_while_it_comes(hurried: httpx.Client) -> None:
    with connect(hurried) as stream:
        stream.sendall((POST + "transfer-encoding: chunked\r\n\r\n").encode())
        chunk, sent = b"1000\r\n" + b"x" * 4096 + b"\r\n", 0
        while not select.select([stream], [], [], 0)[0] and sent < 1000:
            try:
                stream.sendall(chunk)
            except ConnectionError:
                break
            sent += 1
            time.sleep(0.001)
        assert sent < 1000
        assert stream.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert_still_serving(hurried)


def test_a_length_that_is_announced_over_the_limit_is_refused_before_the_body(hurried: httpx.Client) -> None:
    with connect(hurried) as stream:
        stream.sendall(f"{POST}content-length: {10**15}\r\n\r\n".encode())
        assert stream.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_head_has_a_bound_in_bytes(client: httpx.Client) -> None:
    fits, too_long = "x" * (LONGEST_HEAD // 2), b"x" * (4 * LONGEST_HEAD)
    assert client.get("/livez", headers={"x-big": fits}).status_code == 200
    for head in (b"GET /livez HTTP/1.1\r\nhost: x\r\nx-big: " + too_long, b"GET /" + too_long):
        with connect(client) as stream:
            try:
                stream.sendall(head)
                answer = stream.recv(65536)
            except ConnectionError:
                answer = b""
            assert b" 200 " not in answer[:15]
    assert_still_serving(client)


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"\r\n" * 2000,
        b"GET\r\n\r\n",
        b"GET /nowhere HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        POST.encode() + b"content-length: 5\r\ncontent-length: 6\r\n\r\n",
        POST.encode() + b"content-length: -1\r\n\r\n",
        POST.encode()
        + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
        POST.encode() + b"transfer-encoding: chunked\r\n\r\nzzzz\r\n",
        b"GET /livez HTTP/1.1\r\nhost: x\r\nx-a: b\rc\nd\r\n\r\n",
    ],
    ids=lambda value: str(value[-30:]),
)
def test_what_is_no_http_ends_its_own_connection_only(hurried: httpx.Client, bytes_sent: bytes) -> None:
    with connect(hurried) as stream:
        stream.sendall(bytes_sent)
        try:
            answer = stream.recv(65536)
        except ConnectionError:
            answer = b""
        assert answer == b"" or answer.split(b" ")[1].startswith(b"4")
        assert b"h2serve_" not in answer
    assert_still_serving(hurried)


def test_a_thousand_idle_connections_hold_up_nobody(client: httpx.Client) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 4096
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    with ExitStack() as stack:
        streams = [stack.enter_context(connect(client)) for _ in range(1000)]
        for stream in streams[::2]:
            stream.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-half: ")
        assert generate(client).status_code == 200
        assert client.get("/readyz").status_code == 200
    assert_still_serving(client)


INJECTIONS = (
    "%0d%0aset-cookie:%20a=b",
    "%0aset-cookie:a=b",
    "%0d",
    "%00",
    "%E5%98%8A%E5%98%8Dset-cookie:a=b",
    "%7f",
)


@pytest.mark.parametrize("injected", INJECTIONS)
def test_nothing_that_a_stranger_writes_becomes_a_header(client: httpx.Client, injected: str) -> None:
    for target in (f"/v1/models/{injected}", f"/{injected}", f"/v1/models?x={injected}", f"/livez{injected}"):
        with connect(client) as stream:
            headers = f"host: x\r\nx-request-id: {injected}\r\nconnection: close"
            stream.sendall(f"GET {target} HTTP/1.1\r\n{headers}\r\n\r\n".encode())
            head = rest_of(stream).split(b"\r\n\r\n")[0].lower()
        assert b"set-cookie" not in head
        assert not set(head) & {0, 0x7F}
        assert head.count(b"\r") == head.count(b"\n")


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "....//etc/passwd",
        "%2fetc%2fpasswd",
    ],
)
def test_no_path_leads_out_of_the_application(client: httpx.Client, path: str) -> None:
    for prefix in ("/", "/v1/models/", "/docs/", "/v1/files/", "/v1/images/"):
        with connect(client) as stream:
            stream.sendall(f"GET {prefix}{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
            answer = rest_of(stream)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"root:" not in answer


class LeakyQueue(MemoryQueue):
    """Fails with a text that is nobody's business."""

    async def put(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("password=hunter2 at /srv/secret.py")


async def surprise() -> httpx.Response:
    async with client_of(api_parts(LeakyQueue(str, lambda: 1000.0))) as client:
        return await client.post("/v1/images/generations", json={"prompt": "a red star"})


def test_a_surprise_is_told_to_the_log_and_not_to_the_client(caplog: pytest.LogCaptureFixture) -> None:
    response = asyncio.run(surprise())
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert "hunter2" not in response.text
    assert "secret" not in response.text
    assert "hunter2" in caplog.text
