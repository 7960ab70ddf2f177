"""flux-nano over HTTP: mixed requests at once are what each is alone, and diffusers makes the same images."""

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import FluxPipeline
from PIL import Image

from server.app_engine import real_engine
from server.profile import load_profile, model_source
from tests.live import live_server, settings_for_tests

PROFILE = load_profile("flux-nano")
Pixels = npt.NDArray[np.int16]

DICACHE = {"method": "dicache", "threshold": 0.3, "warmup_share": 0.0}
TAYLOR = {"method": "taylorseer", "every": 3, "order": 2}
TWELVE: list[dict[str, Any]] = [
    {"prompt": "a large red heart at the left on a blue background", "cache": "off", "num_inference_steps": 6},
    {"prompt": "a small green star at the top on a white background", "cache": "paper", "num_inference_steps": 9},
    {"prompt": "a red circle above a blue ring on a yellow background", "cache": "fast", "guidance_scale": 1},
    {"prompt": "a pink cross left of a cyan star on a black background", "cache": "balanced", "size": "64x96"},
    {"prompt": "a large black ring at the center on a pink background", "cache": "quality", "size": "192x64"},
    {"prompt": "an orange square below a white star on a green background", "cache": {"tau1": 0.3, "tau2": 0.1}},
    {"prompt": "a small blue diamond at the right on a red background", "cache": {"tau1": 0.05, "tau2": 0.5}},
    {
        "prompt": "a cyan triangle right of a red heart on a white background",
        "tau1": 0.2,
        "tau2": 0.3,
        "size": "64x96",
    },
    {"prompt": "a purple circle at the bottom", "cache": {"preset": "fast", "warmup": 3, "last_full": True}},
    {"prompt": "a white ring above a black cross", "cache": {"tau1": 0.9, "tau2": 0.9, "max_consecutive": 2}},
    {"prompt": "a yellow heart", "num_inference_steps": 4, "guidance_scale": 5, "size": "96x64", "cache": DICACHE},
    {"prompt": "nothing of the grammar", "num_inference_steps": 15, "guidance_scale": 2.5, "cache": TAYLOR},
]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    settings = settings_for_tests(device="cpu")
    with live_server(lambda: real_engine(settings, PROFILE)) as client:
        yield client


def make(client: httpx.Client, i: int) -> dict[str, Any]:
    body = {"num_inference_steps": 8 + i % 5, "seed": 1000 + i, **TWELVE[i]}
    response = client.post("/v1/images/generations", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def pixels_of(answer: dict[str, Any], index: int = 0) -> Pixels:
    content = base64.b64decode(answer["data"][index]["b64_json"])
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(np.int16)


def samples_and_steps(client: httpx.Client) -> tuple[float, float]:
    """What the engine has stepped so far: samples in sum, and forwards that they shared."""
    text = client.get("/metrics").text
    found = dict(re.findall(r"^h2serve_batch_size_(sum|count) (\S+)$", text, re.MULTILINE))
    return float(found["sum"]), float(found["count"])


def test_twelve_different_requests_at_once_give_what_each_gives_alone(client: httpx.Client) -> None:
    before = samples_and_steps(client)
    with ThreadPoolExecutor(12) as clients:
        together = list(clients.map(lambda i: make(client, i), range(12)))
    samples, steps = (after - earlier for after, earlier in zip(samples_and_steps(client), before, strict=True))
    assert samples / steps > 1.5, "they should have shared their forwards"
    for i, answer in enumerate(together):
        alone = make(client, i)
        assert alone["cache"] == answer["cache"]
        assert np.abs(pixels_of(alone) - pixels_of(answer)).max() <= 1
    assert {answer["cache"]["preset"] for answer in together} >= {"off", "paper", "fast", "fast+", "custom"}
    assert any(answer["cache"]["structure_hits"] for answer in together)


@pytest.fixture(scope="module")
def pipeline() -> Any:
    pipeline = FluxPipeline.from_pretrained(model_source(PROFILE), dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize(("size", "guidance"), [("128x128", 3.5), ("96x160", 1.0)])
def test_diffusers_runs_the_folder_unchanged_and_makes_the_same_image(
    client: httpx.Client, pipeline: Any, size: str, guidance: float
) -> None:
    prompt = "a large red heart at the left on a blue background"
    body = {"prompt": prompt, "cache": "off", "num_inference_steps": 7, "guidance_scale": guidance, "n": 2}
    answer = client.post("/v1/images/generations", json={**body, "size": size, "seed": 40}).json()
    width, height = map(int, size.split("x"))
    for k in range(2):
        image = pipeline(
            prompt,
            width=width,
            height=height,
            num_inference_steps=7,
            guidance_scale=guidance,
            max_sequence_length=PROFILE.text_length,
            generator=torch.Generator().manual_seed(40 + k),
        ).images[0]
        assert np.abs(pixels_of(answer, k) - np.asarray(image).astype(np.int16)).max() <= 1


def test_two_seeds_give_visibly_different_pictures(client: httpx.Client) -> None:
    body = {"prompt": "a large red heart at the left on a blue background", "n": 2, "seed": 1}
    answer = client.post("/v1/images/generations", json=body).json()
    assert np.abs(pixels_of(answer, 0) - pixels_of(answer, 1)).mean() > 1
