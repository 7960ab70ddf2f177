"""Models with a conditioning of their own over HTTP: served from a folder, edits are their pipelines' images."""

import base64
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image, ImageDraw, ImageOps

from server.app_engine import real_engine
from server.engine.families import FAMILIES
from server.errors import ModelLoadError
from server.profile import check_image_input, load_profile
from tests.live import live_server, settings_for_tests
from tests.tiny_flux import save_tiny_fill, save_tiny_kontext
from tests.tiny_flux2 import save_tiny_klein

SIDE, STEPS = 256, 3
AS_LARGE = {"_auto_resize": False, "max_area": SIDE**2}
"""Kontext's pipeline brings images to a size of its own unless told otherwise."""
BOX = (64, 96, 192, 224)
Pixels = npt.NDArray[np.int16]


def picture() -> Image.Image:
    small = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def hole() -> Image.Image:
    """White where the image is redrawn, as the pipelines have it."""
    mask = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(mask).rectangle((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=255)
    return mask


def png(image: Image.Image) -> tuple[str, bytes, str]:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return "a.png", buffer.getvalue(), "image/png"


def edit(client: httpx.Client, files: dict[str, Any], **fields: str) -> httpx.Response:
    data = {"prompt": "a red cat", "num_inference_steps": str(STEPS), "seed": "5", "cache": "off", **fields}
    return client.post("/v1/images/edits", data=data, files=files)


def pixels_of(response: httpx.Response) -> Pixels:
    assert response.status_code == 200, response.text
    content = base64.b64decode(response.json()["data"][0]["b64_json"])
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(np.int16)


@pytest.mark.parametrize(
    ("save", "is_masked", "options", "kind"),
    [
        (save_tiny_kontext, False, {"guidance_scale": 2.5, **AS_LARGE}, "reference"),
        (save_tiny_klein, False, {"guidance_scale": 4.0}, "reference"),
        (save_tiny_fill, True, {"guidance_scale": 30.0}, "fill"),
    ],
    ids=["kontext", "klein", "fill"],
)
def test_a_folder_s_edits_are_its_pipeline_s(
    save: Callable[[Path], Path], is_masked: bool, options: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    folder = save(tmp_path / "tiny")
    settings = settings_for_tests(model=str(folder), device="cpu")
    files = {"image": png(picture())}
    if is_masked:
        transparent = picture()
        transparent.putalpha(ImageOps.invert(hole()))
        files["mask"], options = png(transparent), {**options, "mask_image": hole()}
    with live_server(lambda: real_engine(settings, load_profile(settings.model)), model=str(folder)) as client:
        assert client.get("/v1/models").json()["data"][0]["image_input"] == kind
        made = pixels_of(edit(client, files))
        cached = edit(client, files, cache='{"tau1": 50, "tau2": 50}')
    assert cached.json()["cache"]["structure_hits"] > 0
    pipeline: Any = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    image = pipeline(
        prompt="a red cat",
        image=picture(),
        width=SIDE,
        height=SIDE,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(5),
        **options,
    ).images[0]
    theirs = np.asarray(image).astype(np.int16)
    inside = np.s_[BOX[1] : BOX[3], BOX[0] : BOX[2]] if is_masked else np.s_[:, :]
    assert np.abs(made[inside] - theirs[inside]).max() <= 1
    assert made[inside].std() > 10


@pytest.mark.parametrize("name", FAMILIES)
def test_a_folder_of_every_family_has_a_profile_that_says_how_it_takes_images(name: str, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": name}))
    check_image_input(load_profile(str(tmp_path)), FAMILIES[name](tmp_path).image_input)


@pytest.mark.parametrize("is_distilled", [False, True])
def test_a_folder_of_klein_has_a_profile_that_says_how_many_rows_it_takes(
    is_distilled: bool, tmp_path: Path
) -> None:
    folder = save_tiny_klein(tmp_path / "tiny", is_distilled=is_distilled)
    settings, profile = settings_for_tests(model=str(folder), device="cpu"), load_profile(str(folder))
    real_engine(settings, profile)
    assert profile.guides_by_two is not is_distilled
    wrong = profile.model_copy(update={"name": "mine", "guides_by_two": is_distilled})
    said = "1 row" if is_distilled else "2 rows"
    with pytest.raises(ModelLoadError, match=f"mine takes {said} a step where guidance is above 1, its profile"):
        real_engine(settings, wrong)


def test_a_profile_that_says_otherwise_stops_the_start(tmp_path: Path) -> None:
    folder = save_tiny_kontext(tmp_path / "tiny")
    settings = settings_for_tests(model=str(folder), device="cpu")
    wrong = load_profile("flux-dev").model_copy(update={"folder": str(folder), "name": "mine"})
    with pytest.raises(ModelLoadError, match="mine takes images as reference, its profile says start"):
        real_engine(settings, wrong)
