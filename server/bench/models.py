"""Which models fit the benchmarks: any prompt, and that alone. The others are refused before they load."""

from server.engine.family import Family
from server.engine.loader import LoadedModel, family_of, load_model
from server.errors import ModelLoadError
from server.profile import ModelProfile, model_source
from server.request import ImageInput


def load_benchmarked(profile: ModelProfile, device: str) -> LoadedModel:
    """The profile's model on the device. Raises ModelLoadError, also where it needs more than a prompt."""
    check_takes_prompts(profile.name, family_of(model_source(profile)))
    return load_model(model_source(profile), device)


def check_takes_prompts(name: str, family: Family) -> None:
    """Raises ModelLoadError for Fill, and for a folder that has embeddings in place of a text encoder."""
    if family.image_input is ImageInput.FILL:
        refused = "needs an image to fill in"
    elif family.encoders.get("text_encoder") is None:
        refused = "knows only the prompts of its prompt_embeds.safetensors"
    else:
        return
    raise ModelLoadError(
        f"model {name[:64]!r} {refused}, allowed in a benchmark are models that take any prompt, and that alone"
    )


def check_has_baseline(profile: ModelProfile) -> None:
    """Raises ModelLoadError for all but FLUX.1, whose pipeline throughput is held against."""
    named = family_of(model_source(profile)).pipeline_class.__name__
    if named != "FluxPipeline":
        raise ModelLoadError(
            f"model {profile.name[:64]!r} is a {named}, allowed in the throughput benchmark is FluxPipeline; "
            "presets, batches, decoding and checkpoints take others too"
        )
