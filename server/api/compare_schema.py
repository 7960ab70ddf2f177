"""What /docs says of comparisons."""

from typing import Any

from server.api.error_schema import ERROR
from server.api.schema import described

_JOB_ID: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "a finished job's id"}
COMPARE_DOC: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["image", "reference"],
                    "properties": {"image": _JOB_ID, "reference": _JOB_ID},
                }
            }
        },
    },
    "responses": {
        "200": described(
            "how near they are",
            {
                "type": "object",
                "properties": {
                    "object": {"type": "string", "enum": ["comparison"]},
                    "equal": {"type": "boolean"},
                    "psnr_db": {"type": ["number", "null"], "description": "null where they are equal"},
                    "ssim": {"type": "number"},
                },
                "example": {"object": "comparison", "equal": False, "psnr_db": 37.902, "ssim": 0.99512},
            },
        ),
        "400": described("a job has no image, or they differ in size: `param` says which", ERROR),
        "404": described("there is no such job, or it is another tenant's", ERROR),
        "410": described("an image is past its life", ERROR),
        "413": described("the body is too long", ERROR),
        "415": described("the body is no JSON by its content type", ERROR),
    },
}
