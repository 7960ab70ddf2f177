"""A fit says on which prompts it was made, and none of them is reported on."""

from dataclasses import replace
from pathlib import Path

import pytest

from h2cache import H2CacheError
from h2cache.arena.__main__ import main
from h2cache.arena.calibration.fit import tuning_of
from h2cache.arena.fit_files import committed_fit, write_fit
from h2cache.arena.fits import Fits
from h2cache.arena.prompts import read_prompts
from h2cache.arena.sweep import SWEEPS, settings_of

NANO_PROMPTS = Path(__file__).parents[2] / "nano" / "prompts"
TUNING, REPORTING = (read_prompts(NANO_PROMPTS / f"{name}.txt") for name in ("tuning", "reporting"))


@pytest.mark.parametrize("steps", [28, 50, 100])
def test_the_committed_fits_are_of_the_first_tuning_prompts_and_of_none_that_is_reported_on(steps: int) -> None:
    fit = committed_fit("flux-nano", steps)
    assert fit is not None
    assert fit.tuning == tuning_of(TUNING)
    assert len(fit.tuning) == 8
    Fits("flux-nano", None, Path("nowhere")).refuse_seen(settings_of(list(SWEEPS), fit), steps, REPORTING)


def test_prompts_that_a_committed_fit_has_seen_are_not_reported_on_where_it_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before the model is loaded; only the first eight were seen, and ``default`` is fitted on nothing."""
    words = ["--prompts", str(NANO_PROMPTS / "tuning.txt"), "--steps", "28", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--methods", "default,mask"])
    assert ended.value.code == 2
    (told,) = capsys.readouterr().err.strip().splitlines()
    assert told.startswith("arena: 8 prompts are of those that the fit for 28 steps was made on")
    assert not (tmp_path / "out").exists()
    fits = Fits("flux-nano", None, tmp_path)
    fit = committed_fit("flux-nano", 28)
    fits.refuse_seen(settings_of(["default", "paper"], fit), 28, TUNING)
    fits.refuse_seen(settings_of(["mask"], fit), 28, TUNING[8:])
    fits.refuse_seen(settings_of(["mask"]), 29, TUNING)  # no fit


def test_a_fit_of_other_tuning_prompts_or_of_none_that_it_names_is_not_gone_on_with(tmp_path: Path) -> None:
    fit = committed_fit("flux-nano", 28)
    assert fit is not None
    path = tmp_path / "coefficients" / "28.toml"
    write_fit(path, replace(fit, tuning=tuning_of(["a house"])))
    assert Fits("flux-nano", ["a house"], tmp_path).known(28) is not None
    with pytest.raises(H2CacheError, match="was fitted on other prompts"):
        Fits("flux-nano", ["a dog"], tmp_path).known(28)
    path.write_text(path.read_text().replace("tuning =", "prompts ="))
    with pytest.raises(H2CacheError, match="where it is deleted it is fitted anew"):
        Fits("flux-nano", ["a house"], tmp_path).known(28)
