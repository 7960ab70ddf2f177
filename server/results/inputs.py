"""A request's input images, kept beside the results from before its job is put until after it has ended."""

from collections.abc import Mapping

from server.errors import StorageFull
from server.request import ImageRequest
from server.results.interface import ResultStore

_INPUT = "/in/"


def input_key(keep_under: str, name: object) -> str:
    """The key of an input image; ``keep_under`` is nobody else's."""
    return f"{keep_under}{_INPUT}{name}"


def is_input(key: str) -> bool:
    """True for an ``input_key``."""
    return _INPUT in key


async def keep_inputs(results: ResultStore, files: Mapping[str, bytes], ttl_s: float) -> None:
    """Files by their keys, all or none; the time to live is for jobs whose end nobody sees."""
    try:
        for key, content in files.items():
            await results.put(key, content, ttl_s)
    except StorageFull:
        await results.delete(*files)
        raise


async def fetch_inputs(results: ResultStore, request: ImageRequest) -> dict[str, bytes] | None:
    """The request's files by their keys; None when one of them is no longer there."""
    files = {}
    for key in input_keys(request):
        content = await results.get(key)
        if content is None:
            return None
        files[key] = content
    return files


async def forget_inputs(results: ResultStore, request: ImageRequest) -> None:
    """After the job's end; twice is fine."""
    await results.delete(*input_keys(request))


def input_keys(request: ImageRequest) -> tuple[str, ...]:
    """None where it has no input images."""
    return () if request.inputs is None else request.inputs.all
