"""True answers about jobs, as examples of the document."""

from typing import Any

_ID = "5f0c1c0b7d0e4f6f9a3a8a2f6f1d9c3e"
JOB_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "object": "job",
    "state": "running",
    "model": "flux-nano",
    "n": 1,
    "submitted_at": 1764040000.0,
    "started_at": 1764040001.0,
    "step": 12,
    "num_steps": 28,
    "seconds_left": 0.6,
    "cache": {"full": 4, "detail_hits": 1, "structure_hits": 7},
    "status_url": f"/v1/jobs/{_ID}",
    "cancel_url": f"/v1/jobs/{_ID}/cancel",
}
EXAMPLES: dict[tuple[str, str], Any] = {
    ("/v1/jobs", "200"): {"object": "list", "data": [JOB_EXAMPLE]},
    ("/v1/get_result", "200"): {"id": _ID, "status": "Pending"},
}
"""By path and status; of any other answer that is an object, a job's."""
