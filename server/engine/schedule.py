"""The noise levels of one request, as the pipelines compute them; nothing is shared between requests."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor


def sigmas_of(config: Mapping[str, Any], steps: int, mu: float) -> Tensor:
    """``steps`` + 1 levels from about 1 down to 0 in float32, shifted by ``mu`` where the config says so."""
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    scheduler.set_timesteps(sigmas=list(np.linspace(1.0, 1 / steps, steps)), mu=mu)
    return torch.as_tensor(scheduler.sigmas, dtype=torch.float32)
