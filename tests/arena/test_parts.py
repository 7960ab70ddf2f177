"""The arena measures what it says."""

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FluxPipeline
from hypothesis import given
from hypothesis import strategies as st

from h2cache.arena.equal_work import standings
from h2cache.arena.fidelity import compare
from h2cache.arena.fit_files import committed_fit
from h2cache.arena.plots import WORKS, headline
from h2cache.arena.ranking import Point, curve, points_of, quality_at, work_for
from h2cache.arena.report import markdown
from h2cache.arena.rows import Row, read_rows, write_rows
from h2cache.arena.shots import Shot, denoise
from h2cache.arena.studio import open_studio
from h2cache.arena.sweep import SWEEPS, settings_of
from h2cache.methods import METHODS


def test_every_method_is_swept_and_every_setting_can_be_built() -> None:
    assert set(SWEEPS) == set(METHODS)
    for setting in settings_of(list(SWEEPS)):
        assert setting.make() is not None
        assert setting.label == " ".join(
            f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in setting.parameters
        )


def test_no_two_settings_of_the_sweeps_are_the_same() -> None:
    fit = committed_fit("flux-nano", 28)
    for chosen in (settings_of(list(SWEEPS)), settings_of(list(SWEEPS), fit)):
        assert len({(setting.name, setting.label) for setting in chosen}) == len(chosen)


def test_sencache_and_dbcache_are_asked_for_little_work_too() -> None:
    """Their shares cannot fall below what warm-ups and caps of reuse leave; both used to end near a half."""
    fit = committed_fit("flux-nano", 28)
    wanted = {"sencache": [("max_skips", 10)], "dbcache": [("warmup", 4), ("max_consecutive", 4), ("warmup", 2)]}
    for name, parameters in wanted.items():
        found = {each for setting in settings_of([name], fit) for each in setting.parameters}
        assert found >= set(parameters)


def test_without_a_method_it_makes_flux_pipeline_s_image(folder: Path) -> None:
    studio = open_studio(str(folder), 96, 64, 2.5, "cpu", None)
    pipeline = FluxPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    shots = [Shot(i, prompt, seed, 5, None) for i, (prompt, seed) in enumerate([("a red cat", 3), ("b", 4)])]
    for made in denoise(studio, shots):
        wanted = pipeline(
            made.shot.prompt,
            width=96,
            height=64,
            num_inference_steps=5,
            guidance_scale=2.5,
            max_sequence_length=min(pipeline.tokenizer_2.model_max_length, 512),
            generator=torch.Generator().manual_seed(made.shot.seed),
        ).images[0]
        difference = studio.decode(made.latents).astype(int) - np.asarray(wanted).astype(int)
        assert np.abs(difference).max() <= 1


def test_equal_images_have_no_distance_and_others_do() -> None:
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    latents = torch.ones(4, 8)
    same = compare(image, image, latents, latents)
    assert (same.psnr, same.ssim, same.flip, same.latent_rel_l1) == (math.inf, 1.0, 0.0, 0.0)
    other = compare(255 - image, image, 1.5 * latents, latents)
    assert other.psnr < 20
    assert other.ssim < 0.5
    assert other.flip > 0.1
    assert other.latent_rel_l1 == pytest.approx(0.5)


NUMBERS = st.floats(0, 100).map(lambda number: float(f"{number:g}"))
ROWS = st.builds(
    Row,
    method=st.sampled_from(["paper", "off"]),
    setting=st.sampled_from(["", "tau1=0.15 tau2=0.22"]),
    steps=st.integers(1, 100),
    prompt_index=st.integers(0, 9),
    seed=st.integers(0, 9),
    psnr=st.just(math.inf) | NUMBERS,
    adherence=st.none() | st.sampled_from([0.0, 1.0]),
    lpips=st.none(),
    **dict.fromkeys(["flops_ratio", "blocks_run", "ssim", "flip", "latent_rel_l1", "seconds_ratio"], NUMBERS),
)


@given(st.lists(ROWS, max_size=4), st.lists(ROWS, max_size=4))
def test_rows_are_read_as_they_were_written(first: list[Row], second: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.csv"
        write_rows(path, first)
        write_rows(path, second)
        assert read_rows(path) == [*first, *second]


@given(st.lists(ROWS, min_size=1, max_size=8))
def test_a_point_is_the_mean_of_its_rows(rows: list[Row]) -> None:
    points = points_of(rows)
    assert sum(point.images for point in points) == len(rows)
    for point in points:
        own = [row for row in rows if row.run == (point.method, point.setting, point.steps)]
        assert point.ssim == pytest.approx(sum(row.ssim for row in own) / len(own))
        assert point.psnr <= 60


def at(work: float, psnr: float, method: str = "m", setting: str = "") -> Point:
    return Point(method, setting, 28, 1, work, work, work, psnr, 1.0, 0.0, 0.0, None)


def test_curves_are_read_between_their_points_and_not_beyond() -> None:
    line = curve([at(0.4, 40.0), at(0.2, 30.0), at(0.6, 44.0)], "flops_ratio", "psnr")
    assert line == [(0.2, 30.0), (0.4, 40.0), (0.6, 44.0)]
    assert quality_at(line, 0.3) == pytest.approx(35.0)
    assert quality_at(line, 0.1) is None
    assert quality_at(line, 0.7) is None
    assert work_for(line, 42.0) == pytest.approx(0.5)
    assert work_for(line, 25.0) == 0.2
    assert work_for(line, 50.0) is None


def test_methods_stand_in_the_order_of_the_work_they_need_for_the_paper_s_quality() -> None:
    paper = [at(0.3, 30.0, "paper", "tau1=0.15 tau2=0.22"), at(0.6, 40.0, "paper", "tau1=0.05 tau2=0.05")]
    thrifty = [
        at(0.1, 25.0, "thrifty"),
        at(0.2, 35.0, "thrifty"),
        at(0.3, 33.0, "thrifty"),
        at(0.6, 45.0, "thrifty"),
    ]
    hasty = [at(0.1, 10.0, "hasty"), at(0.4, 20.0, "hasty")]
    first, second, third = standings([*paper, *hasty, *thrifty], 28)
    assert (first.name, second.name, third.name) == ("thrifty", "paper", "hasty")
    assert first.share == pytest.approx(0.15)
    assert second.share == 0.3
    assert third.share is None
    # The setting that does worse with more work is none of the thrifty one's curve.
    assert first.psnr == pytest.approx((35.0, 37.5, 40.0, 42.5, 45.0))
    assert third.psnr[:3] == pytest.approx((40 / 3, 50 / 3, 20.0))
    assert third.psnr[3:] == (None, None)


def test_who_is_ahead_depends_on_what_work_is() -> None:
    """Ours has fewer FLOPs, and loses in seconds: its steps that are reused take longer."""
    ours = [
        replace(at(work, psnr, "default"), seconds_ratio=2 * work) for work, psnr in ((0.1, 25.0), (0.3, 35.0))
    ]
    paper = [at(0.2, 25.0, "paper"), at(0.3, 30.0, "paper", "tau1=0.15 tau2=0.22")]
    assert set(WORKS) == {"flops_ratio", "blocks_run", "seconds_ratio"}
    for work, first, share in (("flops_ratio", "default", 0.2), ("seconds_ratio", "paper", 0.3)):
        best, _ = standings([*ours, *paper], 28, work)
        assert best.name == first
        assert best.share == pytest.approx(share)


def test_the_report_has_a_table_of_each_measure_of_work_with_every_method() -> None:
    points = [at(0.2, 25.0, "default"), at(0.3, 30.0, "paper", "tau1=0.15 tau2=0.22")]
    parts = markdown("Title", points, [28]).split("### ")
    assert [part.splitlines()[0] for part in parts[1:]] == [
        "At an equal share of block FLOPs at FLUX.1's price",
        "At an equal share of the model's own blocks",
        "At an equal share of the uncached time",
        "All settings",
    ]
    for part in parts[1:]:
        assert "| default |" in part
        assert "| paper |" in part


def test_a_method_that_was_not_run_at_so_many_steps_leaves_no_mark_there() -> None:
    ours = [replace(at(work, psnr, "default"), steps=50) for work, psnr in ((0.2, 30.0), (0.5, 50.0))]
    assert headline([*ours, at(0.3, 35.0)], [50]) == headline(ours, [50])


def test_fitted_settings_stand_apart() -> None:
    points = [at(0.2, 20.0, "teacache", "threshold=1"), at(0.2, 25.0, "teacache", "threshold=1 fit=own")]
    assert [one.name for one in standings(points, 28)] == ["teacache", "teacache, fitted"]
