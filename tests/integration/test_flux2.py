"""FLUX.2 over HTTP, as tiny random pipelines: the images are those of diffusers' pipelines, alone and together."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image
from safetensors.torch import load_file

from server.app_engine import real_engine
from server.engine.families.flux2 import PROMPTS_FILE
from server.profile import load_profile
from tests.live import live_server, settings_for_tests
from tests.tiny_flux2 import save_tiny_dev_by_embeddings, save_tiny_klein

PROMPTS = ["a red cat", "a blue cat"]
SIDE, STEPS = 256, 3
Pixels = npt.NDArray[np.int16]


def by_prompt(folder: Path, prompt: str) -> dict[str, Any]:
    return {"prompt": prompt, "max_sequence_length": 512}


def by_embedding(folder: Path, prompt: str) -> dict[str, Any]:
    return {"prompt_embeds": load_file(folder / PROMPTS_FILE)[prompt][None]}


def save_dev(folder: Path) -> Path:
    return save_tiny_dev_by_embeddings(folder, {PROMPTS[0]: 9, PROMPTS[1]: 7})


def make(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post("/v1/images/generations", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def pixels_of(answer: dict[str, Any]) -> Pixels:
    content = base64.b64decode(answer["data"][0]["b64_json"])
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(np.int16)


@pytest.mark.parametrize(
    ("save", "said", "left_out", "rows"),
    [(save_tiny_klein, by_prompt, (), 2), (save_dev, by_embedding, ("text_encoder", "tokenizer"), 1)],
    ids=["klein", "dev by embeddings"],
)
def test_requests_over_http_give_the_pipeline_s_images_also_when_they_share_a_batch(
    save: Callable[[Path], Path],
    said: Callable[[Path, str], dict[str, Any]],
    left_out: tuple[str, ...],
    rows: int,
    tmp_path: Path,
) -> None:
    folder = save(tmp_path / "tiny")
    settings = settings_for_tests(model=str(folder), device="cpu")
    plain = {"size": f"{SIDE}x{SIDE}", "num_inference_steps": STEPS, "seed": 5, "cache": "off"}
    bodies: list[dict[str, Any]] = [{**plain, "prompt": prompt} for prompt in PROMPTS]
    bodies.append({**bodies[0], "cache": {"tau1": 50, "tau2": 50}, "guidance_scale": 2.0})
    engine = lambda: real_engine(settings, load_profile(settings.model))  # noqa: E731
    with live_server(engine, model=str(folder)) as client, ThreadPoolExecutor(len(bodies)) as clients:
        answers = list(clients.map(lambda body: make(client, body), bodies))
        alone = make(client, bodies[2])
    assert [answer["cache"]["steps"] for answer in answers] == [rows * STEPS] * 3
    assert answers[2]["cache"]["structure_hits"] == rows * (STEPS - 1)
    assert np.abs(pixels_of(answers[2]) - pixels_of(alone)).max() <= 1
    pipeline: Any = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, **dict.fromkeys(left_out))
    pipeline.set_progress_bar_config(disable=True)
    for prompt, answer in zip(PROMPTS, answers, strict=False):
        image = pipeline(
            **said(folder, prompt),
            width=SIDE,
            height=SIDE,
            num_inference_steps=STEPS,
            guidance_scale=4.0,
            generator=torch.Generator().manual_seed(5),
        ).images[0]
        assert np.abs(pixels_of(answer) - np.asarray(image).astype(np.int16)).max() <= 1
        assert pixels_of(answer).std() > 10


def test_a_prompt_without_an_embedding_is_told_so(tmp_path: Path) -> None:
    folder = save_tiny_dev_by_embeddings(tmp_path / "tiny", {"a red cat": 9})
    settings = settings_for_tests(model=str(folder), device="cpu")
    with live_server(lambda: real_engine(settings, load_profile(settings.model)), model=str(folder)) as client:
        response = client.post("/v1/images/generations", json={"prompt": "a secret", "size": "256x256"})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["code"], error["param"]) == ("unknown_prompt", "prompt")
    assert "no text encoder" in error["message"]
    assert response.headers["x-should-retry"] == "false"
    assert "secret" not in response.text
