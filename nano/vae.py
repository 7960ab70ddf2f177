"""Training of the image autoencoder: diffusers' AutoencoderTiny with 16 latent channels, 8x smaller."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import Tensor, nn
from torch.nn import functional as F

from nano.curve import Curve
from nano.drawing import draw
from nano.grammar import Scene, draw_scene, split_rng
from nano.run import Run, decay, train_for, warm_up
from nano.settings import VaeSettings

CROP = 64
_BANK_SIZES = ((128, 128), (128, 128), (128, 128), (64, 64), (96, 128), (192, 160))
_FIRST_BANK_SEED = 1_000_000


def build_vae(settings: VaeSettings) -> AutoencoderTiny:
    """An untrained autoencoder; its latents are bounded by a soft clamp at 3 before decoding."""
    channels = (settings.channels,) * 4
    return AutoencoderTiny(
        latent_channels=16,
        encoder_block_out_channels=channels,
        decoder_block_out_channels=channels,
        num_encoder_blocks=settings.encoder_blocks,
        num_decoder_blocks=settings.decoder_blocks,
    )


def crop_bank(scenes: int, rng: np.random.Generator) -> Tensor:
    """64-px crops of drawn scenes, one around each thing and one anywhere: N 3 64 64, uint8."""
    crops = []
    for i in range(scenes):
        width, height = _BANK_SIZES[i % len(_BANK_SIZES)]
        scene = draw_scene(split_rng("train", _FIRST_BANK_SEED + i), width, height)
        image = draw(scene)
        for x, y in _crop_centers(scene, rng):
            left = int(np.clip(x - CROP / 2, 0, width - CROP))
            top = int(np.clip(y - CROP / 2, 0, height - CROP))
            crops.append(image[top : top + CROP, left : left + CROP])
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).contiguous()


def _crop_centers(scene: Scene, rng: np.random.Generator) -> list[tuple[float, float]]:
    near = [(t.x + rng.uniform(-24, 24), t.y + rng.uniform(-24, 24)) for t in scene.things]
    return [*near, (rng.uniform(0, scene.width), rng.uniform(0, scene.height))]


def to_unit(images: Tensor) -> Tensor:
    """Bytes 0-255 to floats in [-1, 1]."""
    return images.float() / 127.5 - 1


def vae_loss(
    vae: AutoencoderTiny, images: Tensor, noise: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Loss (MSE + 0.3 L1 + a small pull of the latents to zero) and MSE; images B 3 H W in [-1, 1]."""
    latents = vae.encoder(images).float()
    decoded = vae.decoder(latents + noise * torch.randn(latents.shape, generator=generator)).float()
    mse = F.mse_loss(decoded, images)
    return mse + 0.3 * F.l1_loss(decoded, images) + 1e-3 * latents.square().mean(), mse.detach()


def train_vae(settings: VaeSettings, seconds: float, folder: Path) -> AutoencoderTiny:
    """Train from nothing for a time, measure the latents' scale and save to `folder`/vae."""
    torch.manual_seed(0)
    vae = build_vae(settings).to(memory_format=torch.channels_last)
    crops = crop_bank(settings.bank_scenes, np.random.default_rng(0))
    optimizer = torch.optim.AdamW(vae.parameters(), settings.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4)
    run = Run(model=vae, optimizers=(optimizer,), generator=torch.Generator().manual_seed(0))

    def step(done: float) -> float:
        optimizer.param_groups[0]["lr"] = settings.learning_rate * warm_up(run.step, 100) * decay(done, 0.3)
        images = draw_crops(crops, settings.batch, run.generator)
        with torch.autocast("cpu", torch.bfloat16):
            loss, mse = vae_loss(vae, images, settings.latent_noise, run.generator)
        descend(loss, vae.parameters(), optimizer)
        return float(mse)

    train_for(run, seconds, folder / "vae.pt", Curve(folder / "curve.csv", "vae"), step)
    vae = vae.eval()
    set_latent_scale(vae, crops[:: max(1, len(crops) // 2048)])
    vae.save_pretrained(folder / "vae")
    return vae


def draw_crops(crops: Tensor, batch: int, generator: torch.Generator) -> Tensor:
    """Some of the crops as B 3 64 64 in [-1, 1]."""
    images = to_unit(crops[torch.randint(len(crops), (batch,), generator=generator)])
    return images.contiguous(memory_format=torch.channels_last)


def descend(loss: Tensor, parameters: Iterable[nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
    """One optimizer step down the loss, the gradient's norm bounded by 1."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()


@torch.no_grad()
def set_latent_scale(vae: AutoencoderTiny, images: Tensor) -> None:
    """Store shift and scale such that (latent - shift) * scale has mean 0 and deviation 1."""
    latents = torch.cat([vae.encoder(to_unit(part)).float() for part in images.split(256)])
    vae.register_to_config(
        shift_factor=round(float(latents.mean()), 5), scaling_factor=round(1 / float(latents.std()), 5)
    )


@torch.no_grad()
def encode(vae: AutoencoderTiny, images: Tensor) -> Tensor:
    """Images B 3 H W (bytes) to scaled latents B 16 H/8 W/8."""
    latents: Tensor = vae.encoder(to_unit(images)).float()
    scaled: Tensor = (latents - vae.config.shift_factor) * vae.config.scaling_factor
    return scaled


@torch.no_grad()
def decode(vae: AutoencoderTiny, latents: Tensor) -> Tensor:
    """Scaled latents B 16 h w to images B 3 8h 8w, bytes."""
    images: Tensor = vae.decoder(latents / vae.config.scaling_factor + vae.config.shift_factor).float()
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
