"""Noise levels as FluxPipeline sets them."""

from typing import Any

import numpy as np
import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift, retrieve_timesteps


def flux_sigmas(scheduler: Any, tokens: int, steps: int, device: torch.device) -> list[float]:
    """``steps`` + 1 levels of an image of so many tokens; the scheduler's own are set to them."""
    config = scheduler.config
    mu = calculate_shift(
        tokens,
        config.get("base_image_seq_len", 256),
        config.get("max_image_seq_len", 4096),
        config.get("base_shift", 0.5),
        config.get("max_shift", 1.15),
    )
    wanted = np.linspace(1.0, 1 / steps, steps)
    retrieve_timesteps(scheduler, steps, device, sigmas=wanted, mu=mu)
    return [float(sigma) for sigma in scheduler.sigmas]
