"""True answers about jobs, as examples of the document."""

from typing import Any

_ID = "0dd4d64f7e4a4f0c8b1b3d4b5e0f6a7c"
_ADDRESS = f"http://127.0.0.1:8000/v1/jobs/{_ID}"
JOB_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "object": "job",
    "state": "running",
    "model": "flux-nano",
    "n": 1,
    "submitted_at": 1764040000.12,
    "started_at": 1764040000.13,
    "ended_at": None,
    "expires_at": None,
    "queue_position": None,
    "attempt": 1,
    "step": 7,
    "num_steps": 28,
    "seconds_left": 0.9,
    "cache": {"full": 4, "detail_hits": 1, "structure_hits": 2},
    "error": None,
    "status_url": _ADDRESS,
    "response_url": f"{_ADDRESS}/result",
    "events_url": f"{_ADDRESS}/events",
    "cancel_url": f"{_ADDRESS}/cancel",
    "result": None,
}
EXAMPLES: dict[tuple[str, str], Any] = {
    ("/v1/jobs", "200"): {"object": "list", "data": [JOB_EXAMPLE]},
    ("/v1/get_result", "200"): {"id": _ID, "status": "Pending"},
}
"""By path and status; of any other answer that is an object, a job's."""
