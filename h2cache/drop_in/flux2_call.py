"""A pipeline's call to FLUX.2 as a step's inputs, with attention kwargs."""

from dataclasses import replace

from h2cache.drop_in.called import Called
from h2cache.drop_in.extras import Extras, put_back
from h2cache.errors import H2CacheError
from h2cache.family import StepInputs
from h2cache.flux2 import Flux2, flux2_model


def flux2_call(model: Flux2, called: Called, grid: tuple[int, int] | None) -> tuple[Flux2, StepInputs]:
    """The model for this call, and a step's inputs, from the arguments of Flux2Transformer2DModel.forward.

    Raises H2CacheError for a call of klein's key-value pipeline, whose steps after the first see other tokens.
    """
    if called.get("kv_cache_mode") is not None:
        raise H2CacheError(f"kv_cache_mode is {called.get('kv_cache_mode')!r}, allowed with h2cache is None")
    inputs = StepInputs(
        latents=called.tensor("hidden_states"),
        prompt_embeds=called.tensor("encoder_hidden_states"),
        pooled=None,
        timestep=called.numbers("timestep"),
        guidance=None if called.get("guidance") is None else called.numbers("guidance"),
        img_ids=called.ids("img_ids"),
        txt_ids=called.ids("txt_ids"),
        grid=grid,
    )
    extras = Extras(called.num_rows)
    attention = extras.taken(called.attention_kwargs)
    if attention:
        model = flux2_model(model.transformer, called.call, lambda rows: put_back(attention, rows))
    return replace(model, extras=extras.tensors), inputs
