"""A pipeline's call to FLUX.3 as a step's inputs."""

from h2cache.drop_in.called import Called
from h2cache.errors import H2CacheError
from h2cache.family import StepInputs
from h2cache.flux3 import Flux3


def flux3_call(model: Flux3, called: Called, grid: tuple[int, int] | None) -> tuple[Flux3, StepInputs]:
    """The model as it is, and a step's inputs, from the arguments of Flux3Transformer2DModel.forward.

    Raises H2CacheError for references without positions, and for positions without references.
    """
    has_references = called.get("image_cond_hidden_states") is not None
    if has_references != (called.get("image_cond_ids") is not None):
        raise H2CacheError(
            "of image_cond_hidden_states and image_cond_ids one is None, allowed are both or neither"
        )
    inputs = StepInputs(
        latents=called.tensor("hidden_states"),
        prompt_embeds=called.tensor("encoder_hidden_states"),
        pooled=None,
        timestep=called.numbers("timestep"),
        guidance=None,
        img_ids=called.ids("img_ids"),
        txt_ids=called.ids("txt_ids"),
        grid=grid,
        references=called.tensor("image_cond_hidden_states") if has_references else None,
        reference_ids=called.ids("image_cond_ids") if has_references else None,
        target_timestep=None if called.get("target_timestep") is None else called.numbers("target_timestep"),
    )
    return model, inputs
