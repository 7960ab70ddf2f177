"""Going on from a committed folder where a run's checkpoints are gone: its weights, not its optimizers' state."""

from pathlib import Path

import torch
from diffusers import AutoencoderTiny, FluxPipeline

from nano.base import Model
from nano.run import AveragedRun


def take_weights(run: AveragedRun[Model], folder: Path, fresh_text: bool = False) -> None:
    """Give a new run, and its average, the folder's transformer and text encoders; the readers start anew.

    ``fresh_text`` leaves T5 as it is: one that has learnt a bag of words does not learn to bind them any more.
    """
    pipeline = FluxPipeline.from_pretrained(folder, dtype=torch.float32)
    for model in (run.model, run.average):
        model.trainee.flux.load_state_dict(pipeline.transformer.state_dict())
        if not fresh_text:
            model.text.t5.load_state_dict(pipeline.text_encoder_2.state_dict())
        model.text.clip.load_state_dict(pipeline.text_encoder.state_dict())


def take_vae(folder: Path) -> AutoencoderTiny:
    """The folder's autoencoder in float32."""
    return AutoencoderTiny.from_pretrained(folder / "vae", dtype=torch.float32).eval()
