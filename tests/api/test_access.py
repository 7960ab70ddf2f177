"""Every route is closed to strangers, however the request is written; open ones are on a list."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Route

from server.access.access import Access
from server.access.caller import Caller, Limits
from server.access.key import ApiKey, digest
from server.access.key_file import FileKeyStore, write_keys
from server.access.rates_memory import MemoryRates
from server.api.guard import OPEN_PATHS
from server.api.router import create_routes
from server.engine.fake import InstantEngine
from server.playground.files import FILES
from tests.api.conftest import PROMPT, error_of, generate
from tests.api.parts import api_parts, client_of, new_queue
from tests.live import live_server

KEY, ADMIN, SMALL, SLOW = "h2s_key", "h2s_admin", "h2s_small", "h2s_slow"
CALLERS = {
    KEY: Caller("1", "a"),
    ADMIN: Caller("2", "b", is_admin=True),
    SMALL: Caller("3", "c", limits=Limits(max_images=1, max_pixels=128 * 128, max_steps=30)),
    SLOW: Caller("4", "d", limits=Limits(cost_per_s=0.001, burst=0.5)),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(path, [ApiKey(digest(secret), caller, 0) for secret, caller in CALLERS.items()])
    changes = {"keys": str(path), "metrics_token": "scrape", "cors_origins": "https://a.example"}
    with live_server(InstantEngine, **changes) as client:
        yield client


def walk() -> list[tuple[str, str]]:
    """Every method and path of the application; parameters are filled with an id."""
    found = []
    for context in iter_route_contexts(create_routes(api_parts(new_queue())).routes):
        route = context.original_route
        assert isinstance(route, Route), route
        path = context.path or route.path
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", "0" * 32)
        found += [(method, path) for method in sorted(route.methods or ())]
    return found


def raw(client: httpx.Client, method: str, target: str, *headers: str) -> int:
    """The status of a request that is written byte by byte as said."""
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *headers, "connection: close", "", ""))
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), 30) as stream:
        stream.sendall(head.encode("latin-1"))
        answer = b""
        while chunk := stream.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1])


def spellings(path: str) -> list[str]:
    """The path as somebody might write it to be taken for another one."""
    encoded = "".join(f"%{ord(c):02x}" if c.isalpha() else c for c in path)
    return [
        path,
        path + "?x=/livez",
        path + "/",
        "/" + path,
        path.replace("/", "//"),
        path.upper(),
        encoded,
        path.replace("/", "%2f"),
        "/." + path,
        "/livez/.." + path,
        "/livez%2f.." + path,
        "/livez;" + path,
        path + "%00",
        path + "%0d%0aauthorization:%20Bearer%20" + KEY,
        "http://elsewhere" + path,
        "http://elsewhere/livez?" + path,
        "/livez#" + path,
    ]


HOSTS = ("host: x", "host: x/livez?", "host: x:80/livez#", "host: [::1]/livez", "host: /livez", "host: ")
CLOSED = [(method, path) for method, path in walk() if path not in (*OPEN_PATHS, *FILES)]


def test_the_walk_sees_the_whole_application() -> None:
    paths = {path for _, path in walk()}
    assert {"/v1/images/generations", "/v1/models", "/metrics", "/openapi.json", *OPEN_PATHS, *FILES} <= paths
    assert OPEN_PATHS == ("/livez", "/readyz", "/startupz")


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=" ".join)
def test_a_stranger_gets_nowhere_however_the_request_is_written(
    guarded: httpx.Client, method: str, path: str
) -> None:
    for spelling in spellings(path):
        assert raw(guarded, method, spelling, "host: x") in (401, 400), spelling
    for host in HOSTS:
        assert raw(guarded, method, path, host) in (401, 400), host
    assert raw(guarded, method, path, "host: x", "x-forwarded-for: 127.0.0.1", "x-original-url: /livez") == 401


@pytest.mark.parametrize("path", [*OPEN_PATHS, *FILES])
def test_what_is_open_is_open_under_its_own_name_only(guarded: httpx.Client, path: str) -> None:
    assert raw(guarded, "GET", path, "host: x") == 200
    for spelling in {path + "/", "/" + path, path.upper(), path + "%00", path + "/x"} - {path}:
        assert raw(guarded, "GET", spelling, "host: x") == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY}"},
        {"x-key": KEY},
        {"x-key": KEY, "authorization": "Basic abc"},
    ],
)
def test_a_key_is_taken_as_openai_s_and_bfl_s_clients_send_it(
    guarded: httpx.Client, headers: dict[str, str]
) -> None:
    assert guarded.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}"},
        {"authorization": f"Bearer {KEY} x"},
        {"authorization": f"Bearer {KEY[:-1]}"},
        {"authorization": "Bearer scrape"},
        {"authorization": f"Bearer {digest(KEY)}"},
        {"authorization": "Bearer " + "x" * 5000},
        {"authorization": b"Bearer \xff\xfe"},
        {"x-key": ""},
    ],
    ids=lambda value: str(value)[:40],
)
def test_anything_else_is_a_401_in_the_envelope(guarded: httpx.Client, headers: dict[str, str]) -> None:
    response = guarded.get("/v1/models", headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (401, "invalid_api_key")
    assert response.headers["www-authenticate"] == "Bearer"
    assert KEY not in response.text


def test_the_metrics_take_the_scrape_token_or_an_admin_s_key(guarded: httpx.Client) -> None:
    def status(secret: str) -> int:
        return guarded.get("/metrics", headers={"authorization": f"Bearer {secret}"}).status_code

    assert [status(secret) for secret in ("scrape", ADMIN, KEY, "scrap")] == [200, 200, 401, 401]


def post(client: httpx.Client, key: str, **body: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return client.post("/v1/images/generations", json={"prompt": PROMPT, **body}, headers=headers)


def test_a_key_s_caps_are_on_the_request(guarded: httpx.Client) -> None:
    assert post(guarded, SMALL).status_code == 200
    for body, param in (({"n": 2}, "n"), ({"size": "192x128"}, "size"), ({"num_inference_steps": 31}, None)):
        response = post(guarded, SMALL, **body)
        assert (response.status_code, error_of(response)["param"]) == (400, param or "num_inference_steps")


def test_a_key_s_rate_is_on_cost_and_says_when_to_return(guarded: httpx.Client) -> None:
    assert post(guarded, SLOW, cache="off").status_code == 200
    refused = post(guarded, SLOW, cache="off", num_inference_steps=20)
    assert (refused.status_code, error_of(refused)["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    assert post(guarded, SLOW, n=0).status_code == 400
    assert post(guarded, KEY).status_code == 200


def test_only_pages_of_the_origins_that_are_set_may_read_answers(guarded: httpx.Client) -> None:
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for origin, allowed in (("https://a.example", "https://a.example"), ("https://b.example", None)):
        answer = guarded.options("/v1/images/generations", headers={"origin": origin, **preflight})
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers
        closed = guarded.get("/v1/models", headers={"origin": origin})
        assert (closed.status_code, closed.headers.get("access-control-allow-origin")) == (401, allowed)
    shown = readable_by_pages(guarded, "https://a.example")
    assert {"location", "retry-after", "x-job-id", "x-request-id", "x-should-retry"} == shown, (
        "a script reads these"
    )


def readable_by_pages(client: httpx.Client, origin: str) -> set[str]:
    """The headers that a page of the origin may read."""
    exposed = client.get("/v1/models", headers={"origin": origin}).headers["access-control-expose-headers"]
    return set(exposed.split(", "))


def test_without_the_setting_no_page_of_another_origin_may(client: httpx.Client) -> None:
    answer = client.get("/v1/models", headers={"origin": "https://a.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.options("/v1/models", headers={"origin": "https://a.example"}).status_code == 405


def test_every_answer_has_the_security_headers(client: httpx.Client) -> None:
    for response in (client.get("/livez"), client.get("/nowhere"), generate(client), client.get("/docs")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"
        if not response.headers["content-type"].startswith("text/html"):
            assert "default-src 'none'" in response.headers["content-security-policy"]


def test_no_key_reaches_the_log_wherever_it_was_put(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_keys(tmp_path / "keys.json", [ApiKey(digest(KEY), CALLERS[KEY], 0)])
    lines: list[str] = []
    access = Access(MemoryRates(lambda: 0.0), FileKeyStore(tmp_path / "keys.json", lambda: 0.0))

    async def ask() -> list[int]:
        async with client_of(api_parts(new_queue(), log_line=lines.append, access=access)) as client:
            return [
                (await client.get(path, headers=headers)).status_code
                for path, headers in (
                    ("/v1/models", {"x-key": KEY}),
                    (f"/v1/models/{KEY}?key={KEY}", {"authorization": f"Bearer {KEY}"}),
                    (f"/{KEY}", {"x-key": KEY + "x", "user-agent": KEY, "x-request-id": f"{KEY}/"}),
                    ("/v1/models", {"authorization": f"Basic {KEY}"}),
                )
            ]

    with caplog.at_level(logging.DEBUG):
        assert asyncio.run(ask()) == [200, 404, 401, 401]
    assert len(lines) == 4
    assert KEY not in "".join(lines)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("server")]
    assert KEY not in "".join(ours)
