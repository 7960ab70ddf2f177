"""The autoencoder's second stage: the decoder alone, sharpened where the colours are close.

A thing whose colour is near the background's adds little to the squared error, so the first stage leaves its
corners round. Here each crop counts by its contrast instead. The encoder is not touched: the latents that the
transformer learns stay what they are.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from nano.curve import Curve
from nano.run import Run, decay, train_for, warm_up
from nano.settings import DecoderSettings, VaeSettings
from nano.vae import crop_bank, descend, draw_crops

LEAST_CONTRAST = 0.3
"""Crops with less (plain background) count like this, in squared units of [-1, 1] summed over the channels."""


def contrast(images: Tensor) -> Tensor:
    """Squared distance between the extremes of each channel: B 3 H W in [-1, 1] to B, at least 0.3."""
    spread = images.amax((2, 3)) - images.amin((2, 3))
    return spread.square().sum(1).clamp_min(LEAST_CONTRAST)


def decoder_loss(decoded: Tensor, images: Tensor) -> Tensor:
    """Squared error of B 3 H W relative to the contrast of each image, mean over the batch."""
    error = (decoded - images).square().mean((1, 2, 3))
    return (error / contrast(images)).mean()


def train_decoder(
    vae: AutoencoderTiny, vae_settings: VaeSettings, settings: DecoderSettings, seconds: float, folder: Path
) -> AutoencoderTiny:
    """A copy with a decoder trained further for a time; saved to `folder`/vae-sharp."""
    crops = crop_bank(vae_settings.bank_scenes, np.random.default_rng(1))
    vae = copy.deepcopy(vae).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(vae.decoder.parameters(), settings.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    run = Run(model=vae, optimizers=(optimizer,), generator=torch.Generator().manual_seed(1))

    def step(done: float) -> float:
        optimizer.param_groups[0]["lr"] = settings.rate * warm_up(run.step, 100) * decay(done, 0.2)
        images = draw_crops(crops, vae_settings.batch, run.generator)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                latents = vae.encoder(images).float()
            noise = torch.randn(latents.shape, generator=run.generator)
            decoded = vae.decoder(latents + settings.latent_noise * noise).float()
        loss = decoder_loss(decoded, images)
        descend(loss, vae.decoder.parameters(), optimizer)
        return float(loss.detach())

    train_for(run, seconds, folder / "decoder.pt", Curve(folder / "curve.csv", "decoder"), step)
    vae = vae.eval()
    vae.save_pretrained(folder / "vae-sharp")
    return vae
