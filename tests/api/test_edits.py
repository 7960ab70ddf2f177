"""Edits and variations over HTTP: what is sent is what the engine is given, and what stays of an image stays."""

import base64
import socket
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from server.api.editing import EDIT_STRENGTH, VARIATION_STRENGTH
from server.engine.fake import InstantEngine
from server.engine.paste import FEATHER
from server.strength import first_step
from server.upload import fitted
from tests.api.conftest import PROMPT, assert_still_serving, error_of
from tests.api.pictures import animated, bomb, file_of, picture, with_hole
from tests.live import live_server

RECORDED = Path(__file__).parent / "recorded"
EDITS, VARIATIONS = "/v1/images/edits", "/v1/images/variations"
Files = list[tuple[str, tuple[str, bytes, str]]]
Pixels = npt.NDArray[np.uint8]
IMAGE = file_of(picture())


def upload(name: str, content: bytes) -> tuple[str, tuple[str, bytes, str]]:
    return name, ("any.bin", content, "application/octet-stream")


def edit(client: httpx.Client, files: Files | None = None, path: str = EDITS, **fields: Any) -> httpx.Response:
    data = {"prompt": PROMPT, "output_format": "png", **{key: str(value) for key, value in fields.items()}}
    return client.post(path, data=data, files=[upload("image", IMAGE)] if files is None else files)


def pixels_of(response: httpx.Response, index: int = 0) -> Pixels:
    assert response.status_code == 200, response.text
    content = base64.b64decode(response.json()["data"][index]["b64_json"])
    return np.asarray(Image.open(BytesIO(content)))


def outside(width: int, height: int, box: tuple[int, int, int, int]) -> npt.NDArray[np.bool_]:
    """Where nothing may have changed around a redrawn box."""
    left, top, right, bottom = box
    stays = np.ones((height, width), bool)
    stays[max(0, top - FEATHER) : bottom + FEATHER, max(0, left - FEATHER) : right + FEATHER] = False
    return stays


def test_the_answer_has_the_fields_of_a_generation_s(client: httpx.Client) -> None:
    answer = edit(client, seed=5, cache="fast", num_inference_steps=10).json()
    openai = {"created", "data", "output_format", "size", "quality", "background", "usage"}
    assert set(answer) == {*openai, "id", "model", "cache", "timings"}
    assert (answer["size"], answer["data"][0]["seed"], answer["cache"]["preset"]) == ("128x128", 5, "fast")
    usage = answer["usage"]
    assert usage["input_tokens_details"]["image_tokens"] == 64
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens"] == sum(usage["input_tokens_details"].values())


@pytest.mark.parametrize(
    ("path", "fields", "strength"),
    [
        (EDITS, {}, EDIT_STRENGTH),
        (EDITS, {"strength": 0.3}, 0.3),
        (EDITS, {"strength": 1}, 1.0),
        (VARIATIONS, {}, VARIATION_STRENGTH),
        (VARIATIONS, {"strength": 0.9}, 0.9),
    ],
)
def test_strength_says_how_many_steps_are_taken(
    client: httpx.Client, path: str, fields: dict[str, Any], strength: float
) -> None:
    counts = edit(client, path=path, num_inference_steps=20, **fields).json()["cache"]
    assert counts["steps"] == 20 - first_step(20, strength)


def test_outside_of_the_feather_a_png_is_the_input_bit_for_bit(client: httpx.Client) -> None:
    files = [upload("image", IMAGE), upload("mask", file_of(with_hole()))]
    response = edit(client, files, seed=200, n=2)
    stays = outside(128, 128, (32, 32, 96, 96))
    for index in range(2):
        made = pixels_of(response, index)
        assert np.array_equal(made[stays], np.asarray(picture())[stays])
        assert (made[32:96, 32:96] == (200 + index, 0, 0)).all()
    assert response.json()["cache"]["steps"] == 2 * 28, "what is redrawn is drawn from noise alone"


def test_an_image_of_another_size_is_resized_and_cropped_and_its_mask_with_it(client: httpx.Client) -> None:
    box = (100, 100, 200, 160)
    files = [upload("image", file_of(picture(300, 200))), upload("mask", file_of(with_hole(300, 200, box)))]
    response = edit(client, files, seed=9, size="96x96")
    made = pixels_of(response)
    assert made.shape == (96, 96, 3)
    before = np.asarray(fitted(picture(300, 200), 96, 96))
    # 200 x 200 pixels from the 50th column on become 96 x 96.
    around = (24, 48, 72, 77)
    stays = outside(96, 96, around)
    assert stays.any()
    assert np.array_equal(made[stays], before[stays])
    assert (made[49:76, 25:71] == (9, 0, 0)).all()


@pytest.mark.parametrize(
    ("size", "served"),
    [
        ((128, 128), "128x128"),
        ((300, 200), "192x128"),
        ((40, 40), "64x64"),
        ((2000, 100), "192x64"),
        ((70, 90), "64x96"),
    ],
)
@pytest.mark.parametrize("auto", [{}, {"size": "auto"}])
def test_auto_is_the_nearest_size_served(
    client: httpx.Client, size: tuple[int, int], served: str, auto: dict[str, str]
) -> None:
    assert edit(client, [upload("image", file_of(picture(*size)))], **auto).json()["size"] == served


def test_without_a_mask_what_is_transparent_in_the_image_is_redrawn(client: httpx.Client) -> None:
    image = picture(mode="RGBA")
    image.putalpha(with_hole().getchannel("A"))
    made = pixels_of(edit(client, [upload("image", file_of(image))], seed=3))
    stays = outside(128, 128, (32, 32, 96, 96))
    assert np.array_equal(made[stays], np.asarray(picture())[stays])
    assert (made[32:96, 32:96] == (3, 0, 0)).all()


def test_a_variation_needs_no_prompt(client: httpx.Client) -> None:
    response = client.post(VARIATIONS, files=[upload("image", IMAGE)])
    assert response.status_code == 200
    assert response.json()["size"] == "128x128"


@pytest.mark.parametrize("fields", [{"image[]": 1}, {"image": 1}])
def test_one_image_may_come_as_a_list(client: httpx.Client, fields: dict[str, int]) -> None:
    assert edit(client, [upload(name, IMAGE) for name in fields]).status_code == 200


def recorded(client: httpx.Client, name: str) -> httpx.Response:
    """Send what openai-python 3.57.0 sent, see recorded/record.py."""
    body = (RECORDED / f"openai_{name}.bin").read_bytes()
    boundary = body.split(b"\r\n", 1)[0].removeprefix(b"--").decode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}", "authorization": "Bearer none"}
    return client.post(f"/v1/images/{name}", content=body, headers=headers)


def test_openai_s_edit_is_taken_byte_by_byte(client: httpx.Client) -> None:
    response = recorded(client, "edits")
    answer = response.json()
    assert [entry["seed"] for entry in answer["data"]] == [7, 8]
    cache = answer["cache"]
    assert (cache["preset"], cache["tau1"], cache["tau2"], cache["steps"]) == ("custom", 0.1, 0.2, 2 * 5)
    stays = outside(128, 128, (32, 32, 96, 96))
    assert (pixels_of(response)[stays] == (200, 40, 40)).all()


def test_openai_s_variation_is_taken_byte_by_byte_where_its_size_is_fitted(client: httpx.Client) -> None:
    assert error_of(recorded(client, "variations"))["param"] == "size"
    with live_server(InstantEngine, size_policy="fit") as fitting:
        assert recorded(fitting, "variations").json()["size"] == "192x192"


BAD: list[tuple[str, Files, dict[str, Any], str]] = [
    (EDITS, [], {}, "image"),
    (EDITS, [upload("image", b"")], {}, "image"),
    (EDITS, [upload("image", b"no image")], {}, "image"),
    (EDITS, [upload("image", IMAGE[:-30])], {}, "image"),
    (EDITS, [upload("image", bomb(13_000, 13_000))], {}, "image"),
    (EDITS, [upload("image", file_of(picture(1, 1)))], {}, "image"),
    (EDITS, [upload("image", animated("WEBP"))], {}, "image"),
    (EDITS, [upload("image", IMAGE), upload("image", IMAGE)], {}, "image"),
    (EDITS, [upload("image[]", IMAGE)] * 5, {}, "image"),
    (EDITS, [upload("picture", IMAGE)], {}, "picture"),
    (EDITS, [upload("image", IMAGE), upload("mask", b"no image")], {}, "mask"),
    (EDITS, [upload("image", IMAGE), upload("mask", file_of(with_hole(64, 64)))], {}, "mask"),
    (EDITS, [upload("image", IMAGE), upload("mask", IMAGE)], {}, "mask"),
    (EDITS, [upload("image", IMAGE), *[upload("mask", file_of(with_hole()))] * 2], {}, "mask"),
    (EDITS, [upload("image", IMAGE)], {"mask": "text"}, "mask"),
    (EDITS, [upload("mask", file_of(with_hole()))], {"image": "text"}, "image"),
    (EDITS, [upload("image", IMAGE)], {"strength": 0}, "strength"),
    (EDITS, [upload("image", IMAGE)], {"strength": 1.1}, "strength"),
    (EDITS, [upload("image", IMAGE)], {"strength": "much"}, "strength"),
    (EDITS, [upload("image", IMAGE)], {"prompt": ""}, "prompt"),
    (EDITS, [upload("image", IMAGE)], {"n": "two"}, "n"),
    (EDITS, [upload("image", IMAGE)], {"n": 11}, "n"),
    (EDITS, [upload("image", IMAGE)], {"size": "1x1"}, "size"),
    (EDITS, [upload("image", IMAGE)], {"stream": "true", "n": "2"}, "n"),
    (EDITS, [upload("image", IMAGE)], {"stream": "yes"}, "stream"),
    (EDITS, [upload("image", IMAGE)], {"background": "transparent"}, "background"),
    (EDITS, [upload("image", IMAGE)], {"quality": "ultra"}, "quality"),
    (EDITS, [upload("image", IMAGE)], {"input_fidelity": "some"}, "input_fidelity"),
    (EDITS, [upload("image", IMAGE)], {"output_format": "gif"}, "output_format"),
    (EDITS, [upload("image", IMAGE)], {"cache": "quick"}, "cache"),
    (EDITS, [upload("image", IMAGE)], {"cache": '{"tau1": -1}'}, "cache.tau1"),
    (EDITS, [upload("image", IMAGE)], {"cache[tau3]": 1}, "cache.tau3"),
    (EDITS, [upload("image", IMAGE)], {"cache[tau1]": "low"}, "cache.tau1"),
    (EDITS, [upload("image", IMAGE)], {"negative_prompt": "x" * 4001}, "negative_prompt"),
    (EDITS, [upload("image", IMAGE)], {"true_cfg_scale": -1}, "true_cfg_scale"),
    (EDITS, [upload("image", IMAGE)], {"max_sequence_length": 17}, "max_sequence_length"),
    (VARIATIONS, [], {}, "image"),
    (VARIATIONS, [upload("image", IMAGE), upload("mask", file_of(with_hole()))], {}, "mask"),
    (VARIATIONS, [upload("image", IMAGE)], {"strength": 2}, "strength"),
]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("path", "files", "fields", "param"), BAD)
def test_bad_input_is_refused_by_the_name_of_its_field(
    client: httpx.Client, path: str, files: Files, fields: dict[str, Any], param: str
) -> None:
    # Without a file httpx would send no form.
    response = edit(client, files or [upload("", b"")], path, **fields) if files else no_files(client, path)
    assert response.status_code == 400, response.text
    error = error_of(response)
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert response.headers["x-should-retry"] == "false"
    assert "PIL" not in error["message"] and "0x" not in error["message"]


def no_files(client: httpx.Client, path: str) -> httpx.Response:
    body = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--b--\r\n'
    return client.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=b"})


def test_an_unserved_model_is_a_404(client: httpx.Client) -> None:
    assert edit(client, model="dall-e-2").status_code == 404


@pytest.mark.parametrize("path", [EDITS, VARIATIONS])
def test_a_body_that_is_no_form_is_a_415(client: httpx.Client, path: str) -> None:
    for media in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
        response = client.post(path, content=b"{}", headers={"content-type": media})
        assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("multipart/form-data", b"--b\r\n"),
        ("multipart/form-data; boundary=", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b"no boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nno header\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 5000, b"x"),
        ("multipart/form-data; boundary=b\xe9", b"--b\xe9\r\n"),
    ],
)
def test_a_broken_form_is_a_400(client: httpx.Client, media: str, body: bytes) -> None:
    response = client.post(EDITS, content=body, headers={b"content-type": media.encode("latin-1")})
    assert response.status_code == 400, response.text
    error_of(response)


@pytest.mark.parametrize("is_file", [True, False])
def test_a_form_of_a_thousand_parts_is_refused(client: httpx.Client, is_file: bool) -> None:
    parts: list[Any] = [upload("image", b"x") if is_file else (f"f{i}", (None, b"x")) for i in range(1000)]
    response = client.post(EDITS, files=parts)
    assert response.status_code == 400
    assert "17 files and 128 fields" in error_of(response)["message"]
    assert_still_serving(client)


def test_a_field_without_end_is_refused(client: httpx.Client) -> None:
    response = edit(client, prompt="x" * 100_000)
    assert response.status_code == 400
    assert "65536 bytes" in error_of(response)["message"]


def test_a_body_over_the_cap_is_refused_by_the_length_that_it_tells() -> None:
    with live_server(InstantEngine, upload_limit_bytes=2**20) as client:
        response = edit(client, [upload("image", b"x" * 2**20)])
        assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")
        assert_still_serving(client)


def test_a_body_over_the_cap_is_refused_while_it_is_read() -> None:
    head = b"POST /v1/images/edits HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    part = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    with live_server(InstantEngine, upload_limit_bytes=2**20) as client:
        address = client.base_url.host, client.base_url.port
        with socket.create_connection(address, timeout=30) as connection:
            connection.sendall(head + b"Content-Type: multipart/form-data; boundary=b\r\n\r\n")
            for chunk in (part, *[b"x" * 2**16] * 20):
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            # The body has no end yet.
            assert connection.recv(64).startswith(b"HTTP/1.1 413 ")
        assert_still_serving(client)


def test_upload_and_pixels_are_capped_by_the_settings() -> None:
    with live_server(InstantEngine, upload_limit_pixels=100 * 100) as client:
        assert error_of(edit(client))["param"] == "image"
        assert edit(client, [upload("image", file_of(picture(100, 100)))]).status_code == 200
