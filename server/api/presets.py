"""GET /v1/presets: the names that a request's ``cache`` may have, and what each was measured at."""

from typing import Any

from fastapi import APIRouter

from server.api.catalogue_schema import PRESETS_DOC
from server.api.model_choice import known_model
from server.api.parts import ApiParts
from server.profile import PAPER_PRESET, Preset


def presets_router(parts: ApiParts) -> APIRouter:
    """The route over its parts."""
    router = APIRouter()

    @router.get("/v1/presets", openapi_extra=PRESETS_DOC)
    async def list_presets(model: str | None = None) -> dict[str, Any]:
        """The presets of a model, or of the one that a request without a name means."""
        profile = parts.profile if model is None else known_model(parts, model)
        named = {**profile.presets, "paper": PAPER_PRESET}
        return {
            "object": "list",
            "model": profile.name,
            "default": profile.default_preset,
            "quality": profile.quality,
            "data": [{"id": "off"}, *(describe_preset(name, preset) for name, preset in named.items())],
        }

    return router


def describe_preset(name: str, preset: Preset) -> dict[str, Any]:
    """``calibrated`` says that the figures beside the thresholds were measured on this model."""
    calibrated = preset.measured_flops_ratio is not None
    return {"id": name, **preset.model_dump(exclude_none=True), "calibrated": calibrated}
