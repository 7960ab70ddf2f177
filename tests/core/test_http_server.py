"""How long connections are kept."""

from server.http_server import http_config

LOAD_BALANCERS_S = 60
"""For which nginx and AWS' load balancer keep a connection that rests; httpx, and openai-python by it, 5 s."""


def test_a_connection_at_rest_is_closed_by_its_client_and_not_under_a_request() -> None:
    assert http_config(None, head_timeout_s=10.0).timeout_keep_alive > LOAD_BALANCERS_S
