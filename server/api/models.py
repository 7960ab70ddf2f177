"""GET /v1/models: the models that are served, with what they can do."""

from typing import Any

from fastapi import APIRouter

from server.api.catalogue_schema import MODEL_DOC, MODELS_DOC
from server.api.model_choice import known_model
from server.api.parts import ApiParts
from server.profile import ModelProfile


def models_router(parts: ApiParts) -> APIRouter:
    """The routes over their parts."""
    router = APIRouter()

    @router.get("/v1/models", openapi_extra=MODELS_DOC)
    async def list_models() -> dict[str, Any]:
        """The models served here."""
        return {"object": "list", "data": [describe(profile) for profile in parts.catalogue.profiles]}

    @router.get("/v1/models/{name}", openapi_extra=MODEL_DOC)
    async def one_model(name: str) -> dict[str, Any]:
        """One model by its name or alias."""
        return describe(known_model(parts, name))

    return router


def describe(profile: ModelProfile) -> dict[str, Any]:
    """OpenAI's fields, then sizes, defaults and presets with what was measured of them."""
    return {
        "id": profile.name,
        "object": "model",
        "created": 0,
        "owned_by": "h2serve",
        "aliases": list(profile.aliases),
        "sides": {"min": profile.min_side, "max": profile.max_side, "multiple": profile.side_multiple},
        "default_size": f"{profile.default_width}x{profile.default_height}",
        "default_steps": profile.default_steps,
        "max_steps": profile.max_steps,
        "default_guidance": profile.default_guidance,
        "max_guidance": profile.max_guidance,
        "max_images": profile.max_images,
        "text_length": profile.text_length,
        "image_input": profile.image_input.value,
        "max_input_images": profile.max_input_images,
        "default_preset": profile.default_preset,
        "example_prompt": profile.example_prompt,
        "presets": {name: preset.model_dump(exclude_none=True) for name, preset in profile.presets.items()},
    }
