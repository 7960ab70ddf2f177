"""What an image file says of itself: the request that makes it again, and what the cache did for it.

It lies as JSON in the EXIF tag ImageDescription, which PNG, WebP and JPEG all have.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from server.errors import RequestError
from server.request import CacheChoice, CacheCounts

GENERATOR = "h2serve"
LONGEST = 60_000
"""Bytes: a JPEG's EXIF holds 65,533. What is longer is left out."""
INPUT_IMAGES = "input_images"
"""In a request: it is an edit's, of so many images that the file does not hold."""
FORMATS = ("PNG", "JPEG", "WEBP")
_SOFTWARE, _DESCRIPTION = 0x0131, 0x010E


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """``request`` is a body of POST /v1/images/generations, ``cache`` are the counts of ``CacheCounts``."""

    request: Mapping[str, Any]
    cache: Mapping[str, Any]


def exif_of(request: Mapping[str, Any], counts: CacheCounts) -> bytes:
    """EXIF for Pillow's ``save``; empty where it would not fit."""
    text = json.dumps({"generator": GENERATOR, "request": dict(request), "cache": asdict(counts)})
    if len(text) > LONGEST:
        return b""
    exif = Image.Exif()
    exif[_SOFTWARE] = GENERATOR
    exif[_DESCRIPTION] = text
    return exif.tobytes()


def read_metadata(content: bytes) -> ImageMetadata:
    """What ``exif_of`` wrote. Raises RequestError where the file is no image or says nothing of itself."""
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            said = json.loads(image.getexif().get(_DESCRIPTION, ""))
        if said["generator"] != GENERATOR:
            raise ValueError("of another program")
        return ImageMetadata(dict(said["request"]), dict(said["cache"]))
    except (OSError, ValueError, TypeError, KeyError, SyntaxError, Image.DecompressionBombError) as error:
        raise RequestError("the file is no PNG, WebP or JPEG with the metadata of h2serve") from error


def cache_body(choice: CacheChoice) -> Any:
    """A request's ``cache`` that means this rule, whatever the presets are called or become."""
    if choice.parts is not None:
        return json.loads(choice.parts)
    if choice.is_off:
        return "off"
    if choice.tau1 is None:
        return {"method": choice.method, **dict(choice.parameters)}
    keys = ("method", "tau1", "tau2", "warmup", "max_consecutive", "last_full")
    return {key: value for key in keys if (value := getattr(choice, key)) is not None}
