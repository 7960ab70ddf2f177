"""A result's images as an answer has them: their bytes, or where to fetch them."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from server.api.answer import shape_answer
from server.api.model_choice import model_of
from server.api.parts import ApiParts
from server.errors import JobFailed, ResultGone
from server.profile import ModelProfile
from server.request import CacheChoice, Job, JobResult

NO_LONGER_STORED = "the image was made and is past its life"
QUALITIES = ("low", "medium", "high")
"""The words of OpenAI's that an answer may have beside ``auto``."""


async def answer_of(parts: ApiParts, job: Job, result: JobResult, base: str) -> dict[str, Any]:
    """The whole answer; ``base`` is what its addresses begin with. Raises ResultGone."""
    quality = quality_of(job.request.cache, model_of(job.request.model, parts.catalogue))
    return shape_answer(job, result, await pictures_of(parts, job, result, base), quality)


async def pictures_of(parts: ApiParts, job: Job, result: JobResult, base: str) -> list[Mapping[str, str]]:
    """One entry an image. Raises ResultGone when one is no longer stored."""
    if job.as_url:
        return [{"url": base + parts.signer.path(job.id, image.index)} for image in result.images]
    return [{"b64_json": await bytes_of(parts, image.result_key, image.sha256)} for image in result.images]


async def bytes_of(parts: ApiParts, key: str, sha256: str | None = None) -> str:
    """Stored bytes as base64. Raises what ``stored`` raises."""
    return base64.b64encode(await stored(parts, key, sha256)).decode("ascii")


async def stored(parts: ApiParts, key: str, sha256: str | None) -> bytes:
    """What lies under the key. Raises ResultGone, and JobFailed for bytes of another digest than ``sha256``."""
    content = await parts.results.get(key)
    if content is None:
        raise ResultGone(NO_LONGER_STORED)
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise JobFailed("the stored image is not the one that was made")
    return content


def quality_of(choice: CacheChoice, profile: ModelProfile) -> str:
    """OpenAI's word for the preset that the request came to, ``auto`` where it has none."""
    return next((word for word in QUALITIES if profile.quality.get(word) == choice.preset), "auto")
