"""On a GPU in bfloat16: how much a sample's latents depend on the size of its batch. Never run by its authors."""

from pathlib import Path

import pytest
import torch

from server.engine.batch import denoise, gather, scatter
from server.engine.loader import load_model
from server.engine.sample import Sample
from tests.engine.conftest import order
from tests.engine.samples import prepared, rule
from tests.tiny_flux import save_tiny_flux

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and torch sees none"),
]
LARGEST_RELATIVE_CHANGE = 0.05
"""Kernels are chosen by batch size, and bfloat16 has 8 bits: neighbours show by about this much at most."""


def test_neighbours_change_a_sample_by_no_more_than_the_kernels_batch_variance(tmp_path: Path) -> None:
    model = load_model(str(save_tiny_flux(tmp_path / "flux")), device="cuda", dtype="bfloat16")

    def run(count: int) -> torch.Tensor:
        samples: list[Sample] = [
            prepared(model, order(str(i), steps=8, seed=i, cache=rule(0.0, 0.0))) for i in range(count)
        ]
        for _ in range(8):
            batch = gather(model, samples)
            scatter(batch, denoise(model, batch))
        return samples[0].latents.float()

    alone, together = run(1), run(8)
    change = (alone - together).norm() / alone.norm()
    assert change < LARGEST_RELATIVE_CHANGE, f"relative change {change:.4f}"
