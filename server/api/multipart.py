"""A multipart form, read within bounds: parts are counted and bytes are added up while they arrive."""

from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from server.api.body import chunks_of
from server.api.quoting import quoted
from server.errors import RequestError, UnsupportedMedia

MOST_FILES, MOST_FIELDS = 17, 128
"""16 images and a mask, as OpenAI has it; a method by parts has some dozens of fields."""
LONGEST_FIELD = 64 * 1024
MEDIA = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name and value, and files by field and content, each in the order in which they came."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, bytes], ...]


async def read_form(request: Request, limit_bytes: int) -> Form:
    """The body as a form. Raises RequestError (400), BodyTooLarge (413) or UnsupportedMedia (415)."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != MEDIA:
        raise UnsupportedMedia(f"content type is {quoted(media)}, allowed is {MEDIA!r}")
    parser = MultiPartParser(
        request.headers,
        chunks_of(request, limit_bytes),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=LONGEST_FIELD,
    )
    try:
        parts = (await parser.parse()).multi_items()
    except (MultiPartException, ValueError) as error:
        raise RequestError(
            f"the body is no form that can be read, allowed are {MOST_FILES} files and {MOST_FIELDS} fields of "
            f"{LONGEST_FIELD} bytes, under one boundary"
        ) from error
    fields, files = [], []
    for name, part in parts:
        if isinstance(part, UploadFile):
            files.append((name, await part.read()))
            await part.close()
        else:
            fields.append((name, part))
    return Form(tuple(fields), tuple(files))
