"""Edits of flux-nano's scenes over HTTP: what strength and masks do, told by its checker."""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from nano.checker import read
from nano.drawing import draw
from nano.grammar import Scene, Thing, draw_scene, split_rng
from nano.palette import COLORS
from server.app_engine import real_engine
from server.engine.paste import FEATHER
from tests.integration.test_nano import PROFILE
from tests.live import live_server, settings_for_tests

Pixels = npt.NDArray[np.uint8]
STEPS = 10
MARGIN = 4.0


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    settings = settings_for_tests(device="cpu")
    with live_server(lambda: real_engine(settings, PROFILE)) as client:
        yield client


def png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def edit(client: httpx.Client, image: Pixels, mask: Image.Image | None = None, **fields: Any) -> Pixels:
    files = {"image": ("image.png", png(Image.fromarray(image)), "image/png")}
    if mask is not None:
        files["mask"] = ("mask.png", png(mask), "image/png")
    data = {"num_inference_steps": str(STEPS), **{key: str(value) for key, value in fields.items()}}
    return pixels_of(client.post("/v1/images/edits", data=data, files=files))


def pixels_of(response: httpx.Response) -> Pixels:
    assert response.status_code == 200, response.text
    content = base64.b64decode(response.json()["data"][0]["b64_json"])
    return np.asarray(Image.open(BytesIO(content)))


def psnr(one: Pixels, other: Pixels) -> float:
    error = np.mean((one.astype(float) - other) ** 2)
    return float(10 * np.log10(255**2 / error))


def scenes(count: int, pair_share: float) -> list[Scene]:
    return [draw_scene(split_rng("check", 700 + k), pair_share=pair_share) for k in range(count)]


def test_the_less_strength_the_nearer_to_the_input(client: httpx.Client) -> None:
    drawn = scenes(5, pair_share=0.5)

    def distance(k: int, strength: float) -> float:
        image = draw(drawn[k])
        return psnr(
            image, edit(client, image, prompt=drawn[k].prompt, strength=strength, seed=k, cache="balanced")
        )

    means = []
    for strength in (0.2, 0.6, 0.8, 1.0):
        with ThreadPoolExecutor(len(drawn)) as clients:
            means.append(float(np.mean(list(clients.map(distance, range(len(drawn)), [strength] * len(drawn))))))
    assert means == sorted(means, reverse=True)
    assert means[0] > 30 > 20 > means[-1]


@pytest.mark.parametrize("cache", ["off", "balanced"])
def test_at_full_strength_an_edit_is_the_generation_of_its_seed(client: httpx.Client, cache: str) -> None:
    (scene,) = scenes(1, pair_share=0)
    body: dict[str, Any] = {
        "prompt": "a red star above a cyan ring on a black background",
        "seed": 5,
        "cache": cache,
    }
    response = client.post("/v1/images/generations", json={**body, "num_inference_steps": STEPS})
    edited = edit(client, draw(scene), strength=1, **body)
    assert np.abs(edited.astype(int) - pixels_of(response)).max() <= 1


def redrawn(thing: Thing) -> tuple[int, int, int, int]:
    """The box around a thing: left, top, right, bottom."""
    reach = thing.radius + MARGIN
    corners = (thing.x - reach, thing.y - reach, thing.x + reach, thing.y + reach)
    left, top, right, bottom = (int(np.clip(corner, 0, 128)) for corner in corners)
    return left, top, right, bottom


def test_redrawing_one_thing_leaves_the_other_right(client: httpx.Client) -> None:
    pairs = [scene for scene in scenes(12, pair_share=1.0) if apart(scene)][:6]
    recolored = 0

    def redraw(k: int) -> tuple[Scene, Pixels]:
        first, second = pairs[k].things
        color = next(c for c in COLORS if c not in (pairs[k].background, first.color, second.color))
        wanted = replace(pairs[k], things=(replace(first, color=color), second))
        mask = Image.new("RGBA", (128, 128), "white")
        left, top, right, bottom = redrawn(first)
        ImageDraw.Draw(mask).rectangle((left, top, right - 1, bottom - 1), fill=(0, 0, 0, 0))
        return wanted, edit(client, draw(pairs[k]), mask, prompt=wanted.prompt, seed=k, cache="balanced")

    with ThreadPoolExecutor(len(pairs)) as clients:
        made = list(clients.map(redraw, range(len(pairs))))
    for pair, (wanted, image) in zip(pairs, made, strict=True):
        first, second = wanted.things
        reading = read(image)
        (other,) = [seen for seen in reading.things if np.hypot(seen.x - second.x, seen.y - second.y) < 3]
        assert (other.color, other.shape) == (second.color, second.shape)
        assert reading.background == wanted.background
        left, top, right, bottom = redrawn(first)
        stays = np.ones((128, 128), bool)
        stays[max(0, top - FEATHER) : bottom + FEATHER, max(0, left - FEATHER) : right + FEATHER] = False
        assert np.array_equal(image[stays], draw(pair)[stays])
        recolored += any(seen.color == first.color for seen in reading.things)
    assert recolored >= 4, "most of what was redrawn should be as the prompt says"


def apart(scene: Scene) -> bool:
    """Whether the box around the first thing, feather and all, leaves the second alone."""
    left, top, right, bottom = redrawn(scene.things[0])
    other = scene.things[1]
    reach = other.radius + FEATHER + 2
    return other.x + reach < left or other.x - reach > right or other.y + reach < top or other.y - reach > bottom


def test_a_variation_is_like_its_image_and_not_the_same(client: httpx.Client) -> None:
    (scene,) = scenes(1, pair_share=0)
    image = draw(scene)
    files = {"image": ("image.png", png(Image.fromarray(image)), "image/png")}
    data = {"num_inference_steps": str(STEPS), "seed": "3"}
    made = pixels_of(client.post("/v1/images/variations", data=data, files=files))
    assert 20 < psnr(image, made) < 60


def test_a_negative_prompt_and_a_text_length_change_the_image(client: httpx.Client) -> None:
    body = {
        "prompt": "a red star above a cyan ring on a black background",
        "seed": 5,
        "num_inference_steps": STEPS,
    }
    further: list[dict[str, Any]] = [
        {},
        {"negative_prompt": "a red star on a white background", "true_cfg_scale": 2.0},
        {"max_sequence_length": 6},
    ]
    responses = [client.post("/v1/images/generations", json={**body, **more}) for more in further]
    plain, away, short = map(pixels_of, responses)
    assert psnr(plain, away) < 35
    assert psnr(plain, short) < 35
    counts = [response.json()["cache"]["steps"] for response in responses]
    assert counts == [STEPS, 2 * STEPS, STEPS]
