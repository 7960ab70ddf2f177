"""A worker's own port says whether it lives, takes jobs, and what it counts."""

from starlette.testclient import TestClient

from server.worker.port import create_port


def test_a_worker_that_leaves_is_alive_but_not_ready() -> None:
    reasons: dict[str, str | None] = {"dead": None, "busy": None}

    async def rendered() -> bytes:
        return b"h2serve_steps 1\n"

    app = create_port(lambda: reasons["dead"], lambda: reasons["busy"], rendered)
    client = TestClient(app)
    assert [client.get(path).status_code for path in ("/livez", "/readyz")] == [200, 200]
    reasons["busy"] = "the worker is leaving"
    assert client.get("/livez").status_code == 200
    refused = client.get("/readyz")
    assert (refused.status_code, refused.json()) == (503, {"status": "the worker is leaving"})
    reasons["dead"] = "the engine's loop does not tick"
    assert [client.get(path).status_code for path in ("/livez", "/readyz")] == [503, 503]
    assert client.get("/metrics").text == "h2serve_steps 1\n"
    assert client.get("/other").status_code == 404
