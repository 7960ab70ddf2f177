"""Strangers' images: read whole and upright, or refused in our own words before they take memory."""

import resource
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from server.errors import RequestError
from server.profile import load_profile
from server.upload import FORMATS, fitted, fitted_hole, hole_of, on_white, read_picture, to_png
from tests.api.pictures import animated, bomb, file_of, picture, text_bomb, webp_bomb, with_hole

MAX_PIXELS = 2**24
UNREADABLE = "image cannot be read as an image, allowed are whole PNG, JPEG and WebP files"
PROFILE = load_profile("flux-nano")


def refusal_of(content: bytes, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(RequestError) as refused:
        read_picture(content, "image", max_pixels)
    assert refused.value.param == "image"
    assert refused.value.status == 400
    return refused.value.message


def read(content: bytes) -> Image.Image:
    return read_picture(content, "image", MAX_PIXELS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image at all",
        b"\x89PNG\r\n\x1a\n",
        file_of(picture(), "GIF"),
        file_of(picture(), "BMP"),
        file_of(picture(), "TIFF"),
        b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
        file_of(picture())[:-100],
        file_of(picture(), "JPEG")[:-100],
        file_of(picture(), "WEBP")[:-100],
        file_of(picture())[:40],
    ],
    ids=["empty", "text", "signature", "gif", "bmp", "tiff", "svg", "eps", "png", "jpeg", "webp", "stub"],
)
def test_what_is_broken_or_of_another_format_is_refused_without_the_decoder_s_words(content: bytes) -> None:
    assert refusal_of(content) == UNREADABLE


def test_a_comment_that_unpacks_to_300_mb_is_refused_likewise() -> None:
    assert refusal_of(text_bomb()) == UNREADABLE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (file_of(picture(1, 1)), "1 x 1 pixels"),
        (file_of(picture(15, 400)), "15 x 400 pixels"),
        (file_of(Image.new("L", (20_000, 1))), "20000 x 1 pixels"),
        (file_of(Image.new("L", (20_000, 16))), "20000 x 16 pixels"),
        (bomb(4097, 4096), "4097 x 4096 pixels"),
        (bomb(13_000, 13_000), "13000 x 13000 pixels"),
        (animated("PNG"), "3 frames"),
        (animated("WEBP"), "3 frames"),
    ],
    ids=["1x1", "thin", "line", "strip", "just over", "169 megapixels", "apng", "awebp"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_too_small_too_large_or_moves_is_refused_with_what_it_is(content: bytes, said: str) -> None:
    assert said in refusal_of(content)


@pytest.mark.parametrize("content", [bomb(20_000, 20_000), webp_bomb()], ids=["400 megapixels", "webp"])
def test_a_bomb_is_refused_before_it_takes_memory(content: bytes) -> None:
    assert len(content) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal_of(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "in kilobytes"


def test_the_pixel_cap_is_the_setting_s_own() -> None:
    content = file_of(picture(64, 64))
    assert read_picture(content, "image", 64 * 64).size == (64, 64)
    assert "allowed are 4095" in refusal_of(content, 64 * 64 - 1)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_allowed_formats_are_read(kind: str) -> None:
    smooth = picture(4, 4).resize((64, 48), Image.Resampling.BICUBIC)
    image = read(file_of(smooth, kind))
    assert (image.mode, image.size) == ("RGB", (64, 48))
    assert np.abs(np.asarray(image).astype(int) - np.asarray(smooth)).mean() < 12


@pytest.mark.parametrize(
    ("mode", "kind"), [("CMYK", "JPEG"), ("L", "JPEG"), ("L", "PNG"), ("1", "PNG"), ("P", "PNG")]
)
def test_other_colours_become_rgb(mode: str, kind: str) -> None:
    smooth = picture(4, 4).resize((64, 48), Image.Resampling.BICUBIC)
    given_as = smooth.convert(mode)
    image = read(file_of(given_as, kind))
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image).astype(int) - np.asarray(given_as.convert("RGB"))).mean() < 12


def test_sixteen_bits_a_channel_keep_their_brightness() -> None:
    levels = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    image = read(file_of(Image.fromarray(levels)))
    assert np.abs(np.asarray(image)[:, :, 0].astype(int) - (levels >> 8)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(orientation: int) -> None:
    upright = picture(64, 32)
    turns: dict[int, list[Image.Transpose]] = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    lying = upright
    for turn in turns[orientation]:
        lying = lying.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(np.asarray(read(file_of(lying, exif=exif))), np.asarray(upright))


def test_a_phone_s_jpeg_with_a_preview_is_its_first_picture() -> None:
    frames = [picture(4, 4, seed=seed).resize((64, 64), Image.Resampling.BICUBIC) for seed in range(2)]
    content = file_of(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert np.abs(np.asarray(read(content)).astype(int) - np.asarray(frames[0])).mean() < 12


def test_nothing_but_pixels_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "the secret garden"
    content = file_of(picture(), exif=exif, icc_profile=b"the secret profile")
    assert b"secret" in content
    assert b"secret" not in to_png(fitted(read(content), 128, 128))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_hole_is_where_a_picture_is_transparent(mode: str) -> None:
    options: dict[str, Any] = {}
    image: Image.Image = with_hole()
    if mode == "LA":
        image = image.convert("LA")
    if mode == "P":
        image, options = Image.new("P", (128, 128), 1), {"transparency": 0}
        image.putpalette([0, 0, 0, 255, 255, 255])
        image.paste(0, (32, 32, 96, 96))
    hole = hole_of(read(file_of(image, **options)))
    assert hole is not None
    assert hole.getbbox() == (32, 32, 96, 96)
    assert set(np.unique(np.asarray(hole))) == {0, 255}


def test_an_opaque_picture_has_no_hole() -> None:
    assert hole_of(read(file_of(picture()))) is None
    assert hole_of(read(file_of(picture(mode="RGBA")))) is None


def test_what_is_transparent_is_white_where_that_is_asked_for() -> None:
    white = np.asarray(on_white(read(file_of(with_hole()))))
    assert (white[32:96, 32:96] == 255).all()
    assert (white[:32] == 0).all()


@pytest.mark.parametrize("size", [(128, 128), (64, 192), (96, 64)])
def test_a_picture_of_the_size_stays_bit_for_bit(size: tuple[int, int]) -> None:
    assert np.array_equal(np.asarray(fitted(picture(*size), *size)), np.asarray(picture(*size)))


def test_picture_and_hole_are_cropped_alike() -> None:
    marked = Image.new("RGB", (300, 200), "white")
    marked.paste("black", (120, 80, 200, 140))
    mask = with_hole(300, 200, (120, 80, 200, 140))
    hole = hole_of(mask)
    assert hole is not None
    picture_fitted, hole_fitted = fitted(marked, 128, 128), fitted_hole(hole, 128, 128)
    differs = (np.asarray(picture_fitted)[:, :, 0] < 128) != (np.asarray(hole_fitted) == 255)
    assert differs.mean() < 0.02


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_file_is_a_picture_or_a_refusal(data: st.DataObject) -> None:
    whole = bytearray(file_of(picture(48, 32), data.draw(st.sampled_from(FORMATS))))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8)):
        whole[place] = data.draw(st.integers(0, 255))
    try:
        image = read_picture(bytes(whole), "image", 2**16)
    except RequestError as refused:
        assert refused.param == "image"
        assert "0x" not in refused.message
    else:
        assert image.mode in ("RGB", "RGBA")
