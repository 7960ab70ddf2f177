"""A true answer to the example of a request, its image cut short."""

from typing import Any

_COUNTS = {
    **{"preset": "balanced", "tau1": 0.15, "tau2": 0.22, "method": "default", "steps": 28, "full": 6},
    **{"detail_hits": 0, "structure_hits": 22, "blocks_run": 90, "blocks_total": 420, "flops_ratio": 0.214},
}
ANSWER_EXAMPLE: dict[str, Any] = {
    "id": "5f0c1c0b7d0e4f6f9a3a8a2f6f1d9c3e",
    "created": 1764040000,
    "model": "flux-nano",
    "output_format": "png",
    "size": "128x128",
    "quality": "auto",
    "background": "opaque",
    "data": [{"b64_json": "iVBORw0KGgo...", "seed": 7, "cache": _COUNTS}],
    "usage": {
        "input_tokens": 11,
        "input_tokens_details": {"text_tokens": 11, "image_tokens": 0},
        "output_tokens": 64,
        "total_tokens": 75,
    },
    "cache": _COUNTS,
    "timings": {"queue_ms": 1.9, "encode_ms": 4.1, "denoise_ms": 402.5, "decode_ms": 12.0, "total_ms": 420.5},
}
