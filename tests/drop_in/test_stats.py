"""Statistics that a caller puts into a call, and their picture."""

import sys
from pathlib import Path

import pytest
from diffusers import FluxTransformer2DModel

from h2cache import H2Cache, H2CacheError, H2Stats, Outcome
from tests.drop_in.pipes import MIXED, STEPS, Parts, latents


@pytest.fixture
def stats(parts: Parts, transformer: FluxTransformer2DModel) -> H2Stats:
    """Of two prompts under true CFG."""
    stats = H2Stats()
    latents(
        parts.text_to_image(H2Cache(transformer)),
        {**MIXED, "stats": stats},
        prompt=["a", "b"],
        negative_prompt="blue",
        true_cfg_scale=2.0,
    )
    return stats


def test_they_have_every_step_of_every_sample(stats: H2Stats) -> None:
    assert [(log.row, len(log.records)) for log in stats.samples] == [(row, STEPS) for row in (0, 1, 0, 1)]
    assert sum(stats.count(outcome) for outcome in Outcome) == 4 * STEPS
    run = sum(record.blocks_run for log in stats.samples for record in log.records)
    assert stats.flops_ratio == pytest.approx(run / (4 * STEPS * 5))
    assert 0.2 < stats.flops_ratio < 1
    assert stats.samples[0].statistics.steps == STEPS


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_they_plot_themselves(ending: str, stats: H2Stats, tmp_path: Path) -> None:
    path = tmp_path / f"cache.{ending}"
    stats.plot(path)
    assert path.stat().st_size > 10_000
    if ending == "svg":
        assert "structure_hit" in path.read_text()


def test_nothing_to_plot_is_an_error(tmp_path: Path) -> None:
    assert H2Stats().flops_ratio == 1
    with pytest.raises(H2CacheError, match="stats have no step"):
        H2Stats().plot(tmp_path / "cache.png")


def test_without_matplotlib_only_the_plot_fails(
    stats: H2Stats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    monkeypatch.delitem(sys.modules, "h2cache.drop_in.plot", raising=False)
    with pytest.raises(H2CacheError, match="plot needs matplotlib"):
        stats.plot(tmp_path / "cache.png")
    assert stats.flops_ratio < 1
