"""Bad input gets a short, clear 4xx that names the field, and the server goes on serving."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import PROMPT, assert_still_serving, error_of, generate

HUGE = 10**400


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"prompt": "y" * 1_000_000}, "prompt"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"seed": 2**53}, "seed"),
        ({"seed": HUGE}, "seed"),
        ({"size": "0x0"}, "size"),
        ({"size": "65x64"}, "size"),
        ({"size": "99999x99999"}, "size"),
        ({"size": "72x64"}, "size"),
        ({"size": "48x64"}, "size"),
        ({"size": "208x64"}, "size"),
        ({"size": "128"}, "size"),
        ({"size": "128x128\n"}, "size"),
        ({"size": 128}, "size"),
        ({"n": 0}, "n"),
        ({"n": 99}, "n"),
        ({"n": "2"}, "n"),
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"num_inference_steps": 10**9}, "num_inference_steps"),
        ({"guidance_scale": -1}, "guidance_scale"),
        ({"guidance_scale": True}, "guidance_scale"),
        ({"guidance_scale": HUGE}, "guidance_scale"),
        ({"output_format": "bmp"}, "output_format"),
        ({"output_compression": 101}, "output_compression"),
        ({"response_format": "gif"}, "response_format"),
        ({"background": "transparent"}, "background"),
        ({"stream": True, "n": 2}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"quality": "ultra"}, "quality"),
        ({"quality": ["low"]}, "quality"),
        ({"user": 3}, "user"),
        ({"user": "u" * 513}, "user"),
        ({"seed": 2**53 - 1, "n": 2}, "seed"),
        ({"prompt": ""}, "prompt"),
        ({"tau1": -0.1}, "tau1"),
        ({"tau2": "0.2"}, "tau2"),
        ({"cache": "slow"}, "cache"),
        ({"cache": 5}, "cache"),
        ({"cache": []}, "cache"),
        ({"cache": {"tau3": 0.1}}, "cache.tau3"),
        ({"cache": {"tau1": -1}}, "cache.tau1"),
        ({"cache": {"preset": "slow"}}, "cache.preset"),
        ({"cache": {"preset": 3}}, "cache.preset"),
        ({"cache": {"preset": "off", "tau1": 0.1}}, "cache"),
        ({"cache": {"warmup": -1}}, "cache.warmup"),
        ({"cache": {"max_consecutive": 1.5}}, "cache.max_consecutive"),
        ({"cache": {"last_full": 1}}, "cache.last_full"),
        ({"cache": {"tau1": 0.1}, "tau1": 0.2}, "tau1"),
        ({"cache": {"method": "fastest"}}, "cache.method"),
        ({"cache": {"method": "sencache"}}, "cache.to_latents"),
        ({"cache": {"gate": "below"}}, "cache.gate.threshold"),
        ({"cache": {"gate": "interval", "signal": "latents"}}, "cache.signal"),
        ({"cache": {"gate": {"x" * 5000: 1, "kind": "interval"}}}, "cache.gate." + "x" * 50 + "..."),
        ({"cache": {"x" * 5000: 1}}, "cache." + "x" * 55 + "..."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_is_a_400_that_names_it(client: httpx.Client, body: dict[str, Any], param: str) -> None:
    response = generate(client, **body)
    assert response.status_code == 400
    error = error_of(response)
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert response.headers["x-should-retry"] == "false"
    assert_still_serving(client)


def post(client: httpx.Client, content: bytes, media: str = "application/json") -> httpx.Response:
    return client.post("/v1/images/generations", content=content, headers={"content-type": media})


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("key", ["guidance_scale", "seed", "n", "tau1", "num_inference_steps", "something_else"])
def test_no_number_is_infinite_or_not_a_number(client: httpx.Client, word: str, key: str) -> None:
    response = post(client, f'{{"prompt": "x", "{key}": {word}}}'.encode())
    assert response.status_code == 400
    assert error_of(response)["param"] == key
    assert_still_serving(client)


@pytest.mark.parametrize(
    "key", ["prompt", "model", "size", "quality", "output_format", "background", "user", "cache"]
)
def test_a_lone_surrogate_is_refused_by_its_field(client: httpx.Client, key: str) -> None:
    response = post(client, f'{{"prompt{key == "prompt" or ""}": "x", "{key}": "a\\udc00b"}}'.encode())
    assert response.status_code == 400
    assert error_of(response)["param"] == key
    assert_still_serving(client)


FIELDS = (
    *("prompt", "model", "n", "size", "quality", "response_format", "output_format", "output_compression"),
    *("background", "user", "stream", "num_inference_steps", "guidance_scale", "seed", "tau1", "tau2", "cache"),
)


@pytest.mark.parametrize("depth", [1, 900])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_field_of_nested_values_is_refused_whatever_the_depth(
    client: httpx.Client, opening: str, depth: int
) -> None:
    nested = opening * depth + "1" + ("]" if opening == "[" else "}") * depth
    for key in FIELDS:
        response = post(client, f'{{"{key}": {nested}, "prompt{key == "prompt" or ""}": "x"}}'.encode())
        assert (response.status_code, (error_of(response)["param"] or "")[: len(key)]) == (400, key)
    for key in ("preset", "tau1", "tau2", "warmup", "max_consecutive", "last_full"):
        response = post(client, f'{{"prompt": "x", "cache": {{"{key}": {nested}}}}}'.encode())
        assert (response.status_code, error_of(response)["param"]) == (400, f"cache.{key}")
    assert_still_serving(client)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b'{"prompt": "x"', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 100_000, 400),
        (b'{"prompt": "x", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"prompt": "\xff\xfe"}', 400),
        (b'{"prompt": "x", "seed": 1, "seed": 2}', 400),
        (b'{"prompt": "\\ud800"}', 400),
        (b'{"prompt": "x", "seed": ' + b"9" * 5000 + b"}", 400),
        (b'{"prompt": "' + b"x" * 3_000_000 + b'"}', 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_body_is_refused(client: httpx.Client, content: bytes, status: int) -> None:
    response = post(client, content)
    assert response.status_code == status
    error_of(response)
    assert_still_serving(client)


def test_a_body_over_the_limit_without_a_length_is_refused_while_it_comes(client: httpx.Client) -> None:
    def chunks() -> Any:
        for _ in range(200):
            yield b"x" * 65536

    response = client.post(
        "/v1/images/generations", content=chunks(), headers={"content-type": "application/json"}
    )
    assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")
    assert_still_serving(client)


def test_another_content_type_is_a_415(client: httpx.Client) -> None:
    response = post(client, b"prompt=x", "application/x-www-form-urlencoded")
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")
    assert_still_serving(client)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/models/", 404),
        ("GET", "/" + '"' * 3000, 404),
        ("PUT", "/livez", 405),
        ("OPTIONS", "/v1/images/generations", 405),
        ("P" * 3000, "/v1/images/generations", 405),
    ],
)
def test_the_framework_s_own_errors_have_the_envelope_too(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    error_of(response)


def test_a_head_request_has_the_status_and_the_headers_of_an_error(client: httpx.Client) -> None:
    response = client.head("/v1/images/generations")
    assert (response.status_code, response.content) == (405, b"")
    assert response.headers["x-request-id"]
    assert_still_serving(client)


def test_a_prompt_is_never_told_back_in_an_error(client: httpx.Client) -> None:
    secret = "correct horse battery staple"
    for extra in ({"n": 0}, {"cache": {"tau3": 1}}, {"size": "1x1"}, {"prompt": secret * 1000}):
        assert secret not in generate(client, **{"prompt": secret, **extra}).text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "prompt",
        "n",
        "size",
        "seed",
        "cache",
        "tau1",
        "tau2",
        "model",
        "quality",
        "user",
        "stream",
        "guidance_scale",
    ]
) | st.text(max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_any_json_object_is_an_image_or_a_short_clear_error(client: httpx.Client, body: dict[str, Any]) -> None:
    response = post(client, json.dumps({"prompt": PROMPT, **body}).encode())
    assert response.status_code in (200, 400, 404)
    if response.status_code != 200:
        assert PROMPT not in response.text
        error_of(response)
