"""From an HTTP answer of an OpenAI images endpoint to a reply."""

import base64
import binascii
from typing import Any

import httpx

from load_tests.outcome import Reply, Work

LONGEST_ERROR = 120


def read_reply(response: httpx.Response) -> Reply:
    """The image as bytes; a 200 without one is a failure."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.status_code != 200:
        return Reply(response.status_code, error=_error_of(answer))
    image = _image_of(answer)
    return Reply(200, image, _work_of(answer), "" if image else "no image in the answer")


def _image_of(answer: Any) -> bytes | None:
    try:
        return base64.b64decode(answer["data"][0]["b64_json"], validate=True) or None
    except (KeyError, IndexError, TypeError, binascii.Error):
        return None


def _work_of(answer: Any) -> Work | None:
    """Ours, and the peers', say what the cache did; others do not."""
    try:
        return Work(int(answer["cache"]["blocks_run"]), int(answer["cache"]["blocks_total"]))
    except (KeyError, TypeError, ValueError):
        return None


def _error_of(answer: Any) -> str:
    """OpenAI's envelope, or FastAPI's."""
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error", answer.get("detail", ""))
    said = error.get("message", "") if isinstance(error, dict) else error
    return str(said)[:LONGEST_ERROR]
