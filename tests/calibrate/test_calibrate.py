"""Presets from the arena's figures: what is chosen, and that the server serves what was written."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache.arena.__main__ import main as arena
from server.api.presets import describe_preset
from server.app_models import served_profile
from server.calibrate.choice import FULL, TARGETS, choose
from server.calibrate.command import Calibration, arena_command, calibrate
from server.calibrate.points import Point, read_points
from server.calibrate.presets_file import read_presets, write_presets
from server.engine.fake import InstantEngine
from server.errors import SettingsError, StartupError
from server.profile import load_profile, with_presets
from tests.live import live_server, settings_for_tests

PROFILE = load_profile("flux-nano")
POINTS = st.builds(
    Point,
    tau1=st.floats(0.001, 1),
    tau2=st.floats(0.001, 2),
    images=st.just(4),
    flops_ratio=st.floats(0.05, 0.99),
    seconds_ratio=st.floats(0.05, 1.2),
    psnr_db=st.floats(10, 60),
    ssim=st.floats(0.5, 1),
    flip=st.floats(0, 0.3),
)
HEAD = (
    "method,setting,steps,prompt_index,seed,flops_ratio,blocks_run,psnr,ssim,flip,latent_rel_l1,seconds_ratio,"
    "adherence"
)


@given(st.lists(POINTS, max_size=12))
def test_each_preset_meets_its_target_at_the_least_work(points: list[Point]) -> None:
    for name, point in choose(points).items():
        assert TARGETS[name].is_met(point)
        assert all(other.flops_ratio >= point.flops_ratio for other in points if TARGETS[name].is_met(other))


@given(st.lists(POINTS, max_size=12))
def test_a_stricter_preset_never_costs_less(points: list[Point]) -> None:
    work = [choose(points)[name].flops_ratio for name in ("fast", "balanced", "quality", "lossless")]
    assert work == sorted(work)


def test_where_nothing_is_near_enough_everything_is_computed() -> None:
    assert set(choose([]).values()) == {FULL}


def test_points_are_means_over_images_and_equal_images_count_as_60_db(tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    results.write_text(
        f"{HEAD}\noff,,28,0,0,1,1,inf,1,0,0,1,1\n"
        "default,tau1=0.1 tau2=0.5,28,0,0,0.2,0.2,inf,1,0,0,0.3,1\n"
        "default,tau1=0.1 tau2=0.5,28,1,0,0.4,0.2,40,0.9,0.02,0,0.5,1\n"
    )
    (point,) = read_points(results, 28)
    assert (point.tau1, point.tau2, point.images) == (0.1, 0.5, 2)
    assert (point.psnr_db, point.ssim) == (50, 0.95)
    assert (point.flops_ratio, point.flip) == pytest.approx((0.3, 0.01))


def test_points_are_of_one_number_of_steps(tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    results.write_text(
        f"{HEAD}\ndefault,tau1=0.1 tau2=0.5,28,0,0,0.2,0.2,40,1,0,0,0.3,1\n"
        "default,tau1=0.1 tau2=0.5,50,0,0,0.4,0.2,50,0.9,0.02,0,0.5,1\n"
    )
    (point,) = read_points(results, 50)
    assert (point.images, point.flops_ratio, point.psnr_db) == (1, 0.4, 50)
    with pytest.raises(StartupError, match="no rows of the default method at 4 steps"):
        read_points(results, 4)


@given(st.lists(POINTS, max_size=6))
def test_what_is_written_is_read_again(points: list[Point]) -> None:
    chosen = choose(points)
    with TemporaryDirectory() as folder:
        write_presets(Path(folder) / "mine.toml", chosen, "mine", "told\nin two lines")
        read = read_presets(Path(folder) / "mine.toml", "mine")
    assert list(read) == list(chosen)
    for name, preset in read.items():
        assert preset.method == "default"
        assert preset.tau1 == pytest.approx(chosen[name].tau1, rel=1e-4)
        assert preset.measured_flip == pytest.approx(chosen[name].flip, abs=1e-4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("presets = 3", "has no"),
        ("other = 1\n[presets.fast]\ntau1 = 1\ntau2 = 1", "something else"),
        ("[presets.fast]\ntau1 = -1\ntau2 = 1", "tau1"),
        ("[presets.fast]\ntau1 = 1", "tau2"),
        ("[presets", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(content)
    with pytest.raises(SettingsError, match=said) as refused:
        read_presets(tmp_path / "mine.toml", "mine")
    assert "\n" not in refused.value.message


@pytest.mark.parametrize("said", ["", 'model = "flux-nano"\n', "model = 3\n"])
def test_thresholds_measured_on_another_model_come_without_figures_and_are_not_called_calibrated(
    tmp_path: Path, said: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        f"{said}[presets.fast]\ntau1 = 0.2\ntau2 = 0.3\nmeasured_flops_ratio = 0.2\nmeasured_ssim = 0.9\n"
    )
    settings = settings_for_tests(model="flux-dev", presets=str(file))
    fast = served_profile(settings).presets["fast"]
    assert (fast.tau1, fast.tau2, fast.measured_ssim) == (0.2, 0.3, None)
    assert describe_preset("fast", fast)["calibrated"] is False


@pytest.mark.parametrize("name", ["off", "paper"])
def test_a_preset_may_not_take_a_name_that_means_something(name: str) -> None:
    with pytest.raises(SettingsError, match="meaning of its own"):
        with_presets(PROFILE, {name: PROFILE.presets["fast"]})


def test_an_arena_that_fails_leaves_no_file(tmp_path: Path) -> None:
    asked = Calibration(PROFILE, tmp_path / "none.txt", tmp_path / "mine.toml", 1, 4, "cpu")
    with pytest.raises(StartupError, match="the arena could not be run"):
        calibrate(asked, lambda words: 2)
    assert not asked.out.exists()


def test_a_model_is_calibrated_and_served_with_its_presets(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a large red heart at the left on a blue background\n")
    asked = Calibration(PROFILE, prompts, tmp_path / "mine.toml", 1, 2, "cpu")
    calibrate(asked, lambda words: subprocess.call([*words, "--pairs", "1"]))
    assert asked.out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    read = read_presets(asked.out, PROFILE.name)
    assert set(read) == set(TARGETS)
    with live_server(InstantEngine, presets=str(asked.out)) as client:
        assert_serves(client, list(read))


def in_this_process(words: Sequence[str]) -> int:
    """The arena's exit code, without the seconds that a process of its own takes to import torch."""
    assert words[:3] == [sys.executable, "-m", "h2cache.arena"]
    with pytest.raises(SystemExit) as ended:
        arena(words[3:])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_calibration_does_not_go_on_with_another_s_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before a model is loaded, so that this is quick: the folder is another's already."""
    prompts, work = tmp_path / "prompts.txt", tmp_path / "mine-arena"
    prompts.write_text("a heart\n")
    work.mkdir()
    (work / "run.json").write_text('{"seeds": 2}\n')
    with pytest.raises(StartupError, match="the arena could not be run"):
        calibrate(Calibration(PROFILE, prompts, tmp_path / "mine.toml", 1, 4, "cpu"), in_this_process)
    told = capsys.readouterr().err
    assert f"{str(work)!r} has another run: " in told
    assert "seeds 2 there, 1 here" in told
    assert not (tmp_path / "mine.toml").exists()


def assert_serves(client: httpx.Client, names: Sequence[str]) -> None:
    listed = {preset["id"]: preset for preset in client.get("/v1/presets").json()["data"]}
    for name in names:
        assert listed[name]["calibrated"]
        body = {"prompt": "a", "cache": name}
        answer = client.post("/v1/images/generations", json=body).json()
        assert answer["cache"]["tau1"] == listed[name]["tau1"]


def test_the_arena_is_told_the_profile_s_size_and_steps(tmp_path: Path) -> None:
    words = arena_command(Calibration(PROFILE, tmp_path / "p.txt", tmp_path / "mine.toml", 3, None, "cuda"))
    said = dict(zip(words[3::2], words[4::2], strict=True))
    assert (said["--steps"], said["--size"], said["--seeds"], said["--device"]) == ("28", "128x128", "3", "cuda")
