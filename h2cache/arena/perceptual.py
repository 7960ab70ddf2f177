"""LPIPS (arXiv 1801.03924, with AlexNet) where its package and weights are on the machine; nothing is fetched."""

import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from h2cache.arena.studio import Image

WEIGHTS = "alexnet-owt-7be5be79.pth"
"""Torchvision's, in the folder ``checkpoints`` of torch's hub; the package has its own few with it."""
SMALLEST = 32
"""Of an image's sides: AlexNet makes nothing of smaller ones."""
Distance = Callable[[Image, Image], float]
"""Of two images, 0 for equal ones."""


def open_lpips(width: int, height: int) -> Distance | None:
    """None where it cannot be measured."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if min(width, height) < SMALLEST or not path.exists():
        return None
    try:
        package: Any = import_module("lpips")
    except ImportError:
        return None
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # torchvision's, on how the package asks for AlexNet
        # Asked for with weights, AlexNet would come from the network under any other file name.
        net = package.LPIPS(net="alex", pnet_rand=True, verbose=False)
    found = torch.load(path, map_location="cpu", weights_only=True)
    trunk = {name: found[f"features.{name.partition('.')[2]}"] for name in net.net.state_dict()}
    net.net.load_state_dict(trunk)
    return partial(_distance, net.eval())


@torch.inference_mode()
def _distance(net: torch.nn.Module, image: Image, reference: Image) -> float:
    both = (torch.from_numpy(each).permute(2, 0, 1)[None] / 127.5 - 1 for each in (image, reference))
    return float(net(*both))
