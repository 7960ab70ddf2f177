"""The noise levels of one request, as FluxPipeline computes them; nothing is shared between requests."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor


def sigmas_of(config: Mapping[str, Any], steps: int, img_tokens: int) -> Tensor:
    """``steps`` + 1 levels from about 1 down to 0 in float32, shifted by resolution where the config says so."""
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    mu = calculate_shift(
        img_tokens,
        config.get("base_image_seq_len", 256),
        config.get("max_image_seq_len", 4096),
        config.get("base_shift", 0.5),
        config.get("max_shift", 1.15),
    )
    scheduler.set_timesteps(sigmas=list(np.linspace(1.0, 1 / steps, steps)), mu=mu)
    return torch.as_tensor(scheduler.sigmas, dtype=torch.float32)
