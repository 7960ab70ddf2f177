"""An answer in events, as OpenAI's clients read them: previews, then the image."""

from typing import Any

from server.api.ends import result_from
from server.api.model_choice import model_of
from server.api.parts import ApiParts
from server.api.request_log import notes_of_result
from server.api.result_images import answer_of, bytes_of, quality_of
from server.api.sse import Events, ServerEvent
from server.api.waiting import log_of
from server.errors import ResultGone, ServerError
from server.jobs.event import Ended, PartialImage
from server.request import Job, JobResult
from server.results.inputs import forget_inputs


async def stream_image(parts: ApiParts, job: Job, kind: str, notes: dict[str, Any]) -> Events:
    """``kind``.partial_image for each preview, then ``kind``.completed. Raises what the job's end stands for.

    A job that a second worker took over may tell a preview again, which is passed over. How it went goes into
    ``notes``, the request's in the log, since the status is out before.
    """
    seen: set[int] = set()
    try:
        async for event in log_of(parts.queue, job.id):
            match event.what:
                case PartialImage(_, key, number) if number not in seen:
                    seen.add(number)
                    picture = await _partial(parts, key)
                    if picture is not None:
                        told = {"partial_image_index": number, **picture}
                        yield _event(parts, job, f"{kind}.partial_image", told)
                case Ended() as end:
                    await forget_inputs(parts.results, job.request)
                    result = result_from(end)
                    notes |= notes_of_result(result)
                    yield await _completed(parts, job, result, kind)
    except ServerError as error:
        notes["error"] = error.code
        raise


async def _partial(parts: ApiParts, key: str) -> dict[str, str] | None:
    """None when the preview is past its life."""
    try:
        return {"b64_json": await bytes_of(parts, key)}
    except ResultGone:
        return None


async def _completed(parts: ApiParts, job: Job, result: JobResult, kind: str) -> ServerEvent:
    parts.metrics.generation_done(job.request.cache, result.timings)
    answer = await answer_of(parts, job, result, "")
    (image,) = answer["data"]
    beside = {key: answer[key] for key in ("id", "model", "usage", "timings")}
    return _event(parts, job, f"{kind}.completed", {**image, **beside})


def _event(parts: ApiParts, job: Job, name: str, data: dict[str, Any]) -> ServerEvent:
    request = job.request
    said = {
        "type": name,
        "created_at": int(parts.wall_clock()),
        "background": "opaque",
        "output_format": request.output_format.value,
        "quality": quality_of(request.cache, model_of(request.model, parts.catalogue)),
        "size": f"{request.width}x{request.height}",
    }
    return ServerEvent(name, {**said, **data})
