"""Image files for tests of uploads, good ones and bad ones."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image


def picture(width: int = 128, height: int = 128, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Noise, opaque: whoever resizes or turns it is found out."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).convert(mode)


def with_hole(
    width: int = 128, height: int = 128, box: tuple[int, int, int, int] = (32, 32, 96, 96)
) -> Image.Image:
    """Opaque but for a transparent box: left, top, right, bottom in pixels."""
    mask = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), box)
    return mask


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def animated(kind: str) -> bytes:
    frames = [picture(64, 64, seed=seed) for seed in range(3)]
    return file_of(frames[0], kind, save_all=True, append_images=frames[1:])


def chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG's chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is large, and is: rows of zeros, one bit a pixel."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = b"\0" * (1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A PNG with a comment of a few hundred kilobytes that unpacks to 300 MB."""
    plain = file_of(picture(64, 64))
    comment = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (300 * 2**20), 9))
    return plain[:33] + comment + plain[33:]


def webp_bomb(side: int = 16383) -> bytes:
    """The header of an animated WebP whose canvas is as large as the format has them, and a frame of nothing."""
    size = (side - 1).to_bytes(3, "little")
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size + size
    control = b"ANIM" + struct.pack("<I", 6) + b"\0" * 6
    inner = file_of(Image.new("RGB", (16, 16)), "WEBP")[12:]
    fifteen = (15).to_bytes(3, "little")
    frame = b"\0" * 6 + fifteen + fifteen + b"\0\0\0\0" + inner
    body = b"WEBP" + canvas + control + b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body
