"""A pipeline's call to FLUX.1 as a step's inputs, with attention kwargs, IP-adapter and ControlNet residuals."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from h2cache.drop_in.called import Called
from h2cache.drop_in.extras import Extras, put_back
from h2cache.family import Block, Conditioning, StepInputs, Streams
from h2cache.flux1 import Flux1, flux1_model


def flux1_call(model: Flux1, called: Called, grid: tuple[int, int] | None) -> tuple[Flux1, StepInputs]:
    """The model for this call, and a step's inputs, from the arguments of FluxTransformer2DModel.forward."""
    stream, channels = called.tensor("hidden_states"), model.channels
    inputs = StepInputs(
        latents=stream[..., :channels],
        further=stream[..., channels:] if stream.shape[-1] > channels else None,
        prompt_embeds=called.tensor("encoder_hidden_states"),
        pooled=called.tensor("pooled_projections"),
        timestep=called.numbers("timestep"),
        guidance=None if called.get("guidance") is None else called.numbers("guidance"),
        img_ids=called.ids("img_ids"),
        txt_ids=called.ids("txt_ids"),
        grid=grid,
    )
    extras = Extras(called.num_rows)
    attention = extras.taken(attention_kwargs(model, called))
    if attention:
        model = flux1_model(model.transformer, called.call, lambda rows: put_back(attention, rows))
    residuals = controlnet_residuals(model, called, extras)
    blocks = [_with_residual(block, residual) for block, residual in zip(model.blocks, residuals, strict=True)]
    return replace(model, blocks=blocks, extras=extras.tensors), inputs


def attention_kwargs(model: Flux1, called: Called) -> dict[str, Any]:
    """The attention's, with the IP-adapter's images projected."""
    told = called.attention_kwargs
    if "ip_adapter_image_embeds" in told:
        told["ip_hidden_states"] = model.transformer.encoder_hid_proj(told.pop("ip_adapter_image_embeds"))
    return told


def controlnet_residuals(model: Flux1, called: Called, extras: Extras) -> list[Any]:
    """What is added to the image stream after each block; None where nothing is."""
    double = extras.taken(called.get("controlnet_block_samples"))
    single = extras.taken(called.get("controlnet_single_block_samples"))
    num_single = len(model.blocks) - model.num_double
    return [
        *spread(double, model.num_double, repeats=bool(called.get("controlnet_blocks_repeat"))),
        *spread(single, num_single, repeats=False),
    ]


def spread(samples: Sequence[Any] | None, num_blocks: int, repeats: bool) -> list[Any]:
    """Each block's among fewer samples: in runs of equal length, or, as XLabs' ControlNet has it, in turn."""
    if samples is None:
        return [None] * num_blocks
    run = ceil(num_blocks / len(samples))
    return [samples[block % len(samples) if repeats else block // run] for block in range(num_blocks)]


def _with_residual(block: Block, residual: Any) -> Block:
    """The block with something added to its image stream."""
    if residual is None:
        return block

    def run(streams: Streams, conditioning: Conditioning) -> Streams:
        given = block(streams, conditioning)
        return Streams(given.txt, given.img + put_back(residual, conditioning))

    return run
