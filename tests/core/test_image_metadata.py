"""A picture's file carries the request that makes it again."""

import base64
import json
from io import BytesIO
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.api.cache_choice import resolve_cache
from server.engine.fake import InstantEngine
from server.errors import RequestError
from server.image_metadata import LONGEST, cache_body, exif_of, read_metadata
from server.profile import load_profile
from server.request import CacheCounts
from tests.live import live_server

PROFILE = load_profile("flux-nano")
COUNTS = CacheCounts(4, 2, 1, 1, 30, 60, 0.5)
FORMATS = st.sampled_from(["png", "jpeg", "webp"])


def saved(exif: bytes, output_format: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, output_format, exif=exif)
    return buffer.getvalue()


@given(st.text(), st.integers(0, 2**53), FORMATS)
def test_what_is_written_is_read_again_in_every_format(prompt: str, seed: int, output_format: str) -> None:
    request = {"prompt": prompt, "seed": seed, "cache": {"tau1": 0.1}}
    read = read_metadata(saved(exif_of(request, COUNTS), output_format))
    assert read.request == request
    assert read.cache["full"] == 2


def test_metadata_that_no_jpeg_can_hold_is_left_out() -> None:
    assert exif_of({"prompt": "x" * LONGEST}, COUNTS) == b""
    assert len(exif_of({"prompt": "\U0001f600" * 4000}, COUNTS)) > 40_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        saved(b"", "png"),
        saved(b"", "jpeg")[:60],
        saved(exif_of({}, COUNTS), "png").replace(b'"h2serve"', b'"another"'),
        saved(exif_of({}, COUNTS), "webp").replace(b'"request"', b'"bequest"'),
        saved(exif_of({}, COUNTS), "gif"),
    ],
)
def test_a_file_that_says_nothing_of_itself_is_refused(content: bytes) -> None:
    with pytest.raises(RequestError, match="metadata of h2serve"):
        read_metadata(content)


@pytest.mark.parametrize(
    "cache",
    [
        "off",
        "paper",
        "fast",
        {"preset": "quality", "warmup": 3, "last_full": True},
        {"method": "default", "tau1": 0.3, "max_consecutive": 0},
        {"method": "dicache", "threshold": 0.4},
        {"signal": "latents", "gate": {"kind": "below", "threshold": 0.2}, "guards": {"last_full": True}},
    ],
    ids=str,
)
def test_a_rule_is_the_same_when_it_is_said_again(cache: Any) -> None:
    choice = resolve_cache({"cache": cache}, PROFILE)
    again = resolve_cache({"cache": json.loads(json.dumps(cache_body(choice)))}, PROFILE)
    names = {"preset": ""}
    assert {**_values(again), **names} == {**_values(choice), **names}


def _values(choice: Any) -> dict[str, Any]:
    return {name: getattr(choice, name) for name in type(choice).__slots__}


def test_the_request_in_a_served_file_gives_the_same_file() -> None:
    with live_server(InstantEngine) as client:
        body = {"prompt": "a red star, \U0001f31f", "seed": 77, "n": 2, "cache": "fast", "num_inference_steps": 5}
        first = files_of(client, body)
        read = read_metadata(first[1])
        assert (read.request["seed"], read.request["model"]) == (78, "flux-nano")
        assert files_of(client, dict(read.request)) == [first[1]]


def files_of(client: httpx.Client, body: dict[str, Any]) -> list[bytes]:
    answer = client.post("/v1/images/generations", json=body).raise_for_status().json()
    return [base64.b64decode(entry["b64_json"]) for entry in answer["data"]]
