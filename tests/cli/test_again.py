"""An edit's file tells what made it, and that it cannot be made again without its image."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from server.cli.generate import again
from server.engine.fake import plain_counts, plain_image
from server.engine.interface import InputImages, SampleOrder
from server.errors import RequestError
from server.image_metadata import read_metadata
from server.request import CacheChoice


def order(inputs: InputImages | None) -> SampleOrder:
    off = CacheChoice("off", None, None, method="off")
    plain = SampleOrder("a", "a cat", 64, 64, 4, 3.5, 7, off, inputs=inputs)
    return replace(plain, negative_prompt="a dog", true_cfg=2.0, text_length=9)


def test_what_guides_an_image_is_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(plain_image(order(None)))
    request = again(file)
    assert (request["negative_prompt"], request["true_cfg_scale"], request["max_sequence_length"]) == (
        "a dog",
        2.0,
        9,
    )
    assert "strength" not in request


def test_an_edit_is_not_made_again_without_its_image(tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    edited = order(InputImages((buffer.getvalue(),), None, 0.5))
    content = plain_image(edited)
    assert read_metadata(content).request["strength"] == 0.5
    assert read_metadata(content).cache["steps"] == plain_counts(edited).steps == 2
    file = tmp_path / "a.png"
    file.write_bytes(content)
    with pytest.raises(RequestError, match="made from an image that it does not hold"):
        again(file)
