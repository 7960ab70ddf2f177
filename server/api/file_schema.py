"""What /docs says of files."""

from typing import Any

from server.api.error_schema import ERROR
from server.api.schema import described

_BYTES = {"type": "string", "format": "binary"}
FILE_DOC: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "required": True, "schema": {"type": kind}}
        for name, kind in (("image", "integer"), ("expires", "integer"), ("signature", "string"))
    ],
    "responses": {
        "200": {
            "description": "the image",
            "content": {
                f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
                for kind in ("png", "jpeg", "webp")
            },
        },
        "401": described("the signature is not that of this address, and there is no key", ERROR),
        "404": described("the signature is not that of this address", ERROR),
        "410": described("the address or the image is past its life", ERROR),
    },
}
