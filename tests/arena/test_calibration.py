"""What is fitted on uncached runs is what it says, and the arena runs with it."""

from itertools import combinations, pairwise
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from h2cache import H2CacheError
from h2cache.arena.calibration.__main__ import main
from h2cache.arena.calibration.errors import errors_of
from h2cache.arena.calibration.fit import Fit, calibrate
from h2cache.arena.calibration.schedules import non_increasing, reuse_below, shortest_path
from h2cache.arena.calibration.tables import polynomial, ratios
from h2cache.arena.calibration.trajectory import Forward, Trajectory, plain_forward, size, walk
from h2cache.arena.fit_files import read_fit, write_fit
from h2cache.arena.prompts import hash_of
from h2cache.arena.rows import read_rows
from h2cache.arena.shots import Shot, denoise, inputs_at
from h2cache.arena.studio import Studio, open_studio
from h2cache.arena.sweep import settings_of, sweeps_of
from tests.arena.conftest import Arena


@pytest.fixture(scope="module")
def studio(folder: Path) -> Studio:
    return open_studio(str(folder), 64, 64, 3.5, "cpu", None)


@pytest.fixture(scope="module")
def fit(studio: Studio) -> Fit:
    return calibrate(studio, "tiny", ["a red cat", "a house"], 12)


def test_a_walk_ends_where_the_uncached_run_does(studio: Studio) -> None:
    run = walk(studio, "a red cat", 3, 5)
    (made,) = denoise(studio, [Shot(0, "a red cat", 3, 5, None)])
    last = run.latents[-1] + (run.sigmas[5] - run.sigmas[4]) * run.forwards[-1].velocity
    torch.testing.assert_close(last, made.latents)


def test_sensitivities_are_changes_of_the_velocity_over_what_was_changed(studio: Studio) -> None:
    run, k = walk(studio, "a red cat", 3, 5), 2
    tokens, pooled = studio.embed("a red cat")
    _, ids = studio.noise(3)

    def velocity(latents: Tensor, sigma: float) -> Tensor:
        with torch.inference_mode():
            given = inputs_at(studio, latents[None], tokens[None], pooled[None], ids, sigma)
            return plain_forward(studio.model, given).velocity

    here, x = run.forwards[k].velocity, run.latents[k]
    along = velocity(run.latents[k + 1], run.sigmas[k]) - here
    later = velocity(x, run.sigmas[k + 1]) - here
    assert run.to_latents[k] == pytest.approx(size(along) / size(run.latents[k + 1] - x), rel=1e-3)
    assert run.to_time[k] == pytest.approx(size(later) / (run.sigmas[k] - run.sigmas[k + 1]), rel=1e-3)


def made_up(modulated: list[float], velocity: list[float], residual: list[float]) -> Trajectory:
    """A run in which each step's tensors are those of the first, so many times larger."""
    drawn = torch.rand(3, 6, 4, generator=torch.Generator().manual_seed(1)) + 0.5
    forwards = [
        Forward(v * drawn[0], r * drawn[1], m * drawn[2])
        for m, v, r in zip(modulated, velocity, residual, strict=True)
    ]
    nothing = [0.0] * len(modulated)
    return Trajectory([*nothing, 0.0], [torch.zeros(6, 4)] * len(modulated), forwards, nothing, nothing)


def growing(changes: list[float]) -> list[float]:
    return [prod(1 + change for change in changes[:k]) for k in range(len(changes) + 1)]


def test_the_polynomial_maps_the_input_s_change_to_the_output_s() -> None:
    moved = [0.05, 0.3, 0.1, 0.5, 0.2, 0.4, 0.02]
    changed = [0.3 * x**4 - 0.2 * x**3 + 0.5 * x**2 + 0.7 * x + 0.01 for x in moved]
    found = polynomial([made_up(growing(moved), growing(changed), [1.0] * 8)])
    assert found == pytest.approx([0.3, -0.2, 0.5, 0.7, 0.01], abs=1e-3)


def test_ratios_are_sizes_over_the_step_before() -> None:
    runs = [made_up([1.0] * 3, [1.0] * 3, sizes) for sizes in ([1.0, 1.2, 0.6], [1.0, 1.0, 1.0])]
    assert ratios(runs) == pytest.approx([1.0, 1.1, 0.75])


def test_errors_are_relative_and_gains_bring_nearest(studio: Studio) -> None:
    runs = [walk(studio, prompt, 0, 6) for prompt in ("a red cat", "a house")]
    errors = errors_of(runs)
    values = [[f.velocity - x for f, x in zip(run.forwards, run.latents, strict=True)] for run in runs]

    def missed(gain: float) -> float:
        return float(sum((v[4] - gain * v[1]).square().sum() for v in values))

    best = errors.gains[1, 4]
    assert missed(best) <= min(missed(best + 0.01), missed(best - 0.01), missed(1.0))
    relative = [float((v[4] - v[1]).abs().mean() / v[4].abs().mean()) for v in values]
    assert errors.over_latents[1, 4] == pytest.approx(sum(relative) / 2, rel=1e-4)
    assert not np.tril(errors.over_latents).any()


MATRICES = st.integers(2, 7).flatmap(
    lambda n: st.lists(st.floats(0, 1), min_size=n * n, max_size=n * n).map(
        lambda numbers: np.array(numbers).reshape(n, n)
    )
)


@given(MATRICES, st.integers(1, 7), st.data())
def test_the_shortest_path_is_the_best_of_all_schedules(
    errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]], count: int, data: st.DataObject
) -> None:
    steps = len(errors)
    count = min(count, steps)
    weights = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=steps, max_size=steps)))

    def cost(pattern: str) -> float:
        total, anchor = 0.0, 0
        for step, letter in enumerate(pattern):
            if letter == "0":
                anchor = step
            else:
                total += errors[anchor, step] * weights[step]
        return total

    found = shortest_path(errors, weights, count)
    assert (found[0], found.count("0"), len(found)) == ("0", count, steps)
    others = (
        "".join("0" if step == 0 or step in chosen else "1" for step in range(steps))
        for chosen in combinations(range(1, steps), count - 1)
    )
    assert cost(found) == pytest.approx(min(map(cost, others)))


@given(MATRICES, st.floats(0, 1))
def test_what_is_reused_is_below_the_threshold_and_what_is_not_is_not(
    errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]], threshold: float
) -> None:
    anchor = 0
    for step, letter in enumerate(reuse_below(errors, threshold)):
        assert letter == "0" if step == 0 else (letter == "1") == (errors[anchor, step] < threshold)
        anchor = step if letter == "0" else anchor


@settings(max_examples=50)
@given(st.integers(2, 60), st.data())
def test_gaps_never_grow_and_the_cheapest_of_them_is_taken(steps: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, steps))
    seen: list[str] = []

    def cost(pattern: str) -> float:
        seen.append(pattern)
        return pattern.rindex("0")

    found = non_increasing(steps, count, 20, cost)
    assert found in seen
    assert cost(found) == min(map(cost, list(seen)))
    computed = [step for step, letter in enumerate(found) if letter == "0"]
    assert (computed[0], len(computed), len(found)) == (0, count, steps)
    gaps = [after - before for before, after in pairwise([*computed, steps])]
    assert gaps == sorted(gaps, reverse=True)


def test_a_fit_is_read_as_it_was_written(fit: Fit, tmp_path: Path) -> None:
    path = tmp_path / "fits" / "12.toml"
    write_fit(path, fit)
    read = read_fit(path)
    assert (read.steps, read.tuning, read.masks, read.non_increasing) == (
        12,
        (hash_of("a red cat"), hash_of("a house")),
        fit.masks,
        fit.non_increasing,
    )
    for name in ("polynomial", "ratios", "to_latents", "to_time", "times"):
        assert getattr(read, name) == pytest.approx(getattr(fit, name))
    write_fit(path, read)
    assert read_fit(path) == read
    path.write_text("model = 3\n")
    with pytest.raises(H2CacheError, match="no file of --calibrate"):
        read_fit(path)


def test_every_setting_of_a_fit_can_be_built_and_told_apart(fit: Fit) -> None:
    own = sweeps_of(fit)
    assert set(own) == {"teacache", "magcache", "sencache", "ertacache-like", "procache", "mask"}
    chosen = settings_of(list(own), fit)
    assert len({(setting.name, setting.label) for setting in chosen}) == len(chosen)
    for setting in chosen:
        assert setting.make() is not None
    assert {setting.label for setting in own["teacache"]} >= {"threshold=0.03 fit=own"}


def test_a_fit_can_be_made_without_a_contest(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tuning.txt").write_text("a blue dog\n")
    words = [
        "--model",
        str(folder),
        "--prompts",
        str(tmp_path / "tuning.txt"),
        "--size",
        "64x64",
        "--steps",
        "3,4",
    ]
    main([*words, "--out", str(tmp_path / "fits")])
    assert [read_fit(tmp_path / "fits" / f"{steps}.toml").steps for steps in (3, 4)] == [3, 4]
    with pytest.raises(SystemExit):
        main([*words, "--steps", "0", "--out", str(tmp_path / "fits")])


def test_the_command_fits_once_and_runs_the_fitted_settings(
    arena: Arena, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tuning.txt").write_text("a blue dog\n")
    words = ("--calibrate", str(tmp_path / "tuning.txt"), "--steps", "4", "--methods", "sencache,procache")
    out = arena(*words)
    written = (out / "coefficients" / "4.toml").read_bytes()
    rows = read_rows(out / "results.csv")
    labels = {row.setting for row in rows if row.method == "sencache"}
    assert "threshold=0.6 start=0.005 max_skips=3 fit=own" in labels
    assert {row.setting for row in rows if row.method == "procache"} >= {"computed=2 fit=own"}
    arena(*words)
    assert (out / "coefficients" / "4.toml").read_bytes() == written
    assert read_rows(out / "results.csv") == rows
    capsys.readouterr()
    arena("--methods", "mask,sencache", out="without")
    assert "sencache left out at 2 steps" in capsys.readouterr().err
