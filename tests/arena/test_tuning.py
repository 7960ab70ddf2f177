"""The search over rivals' guards: what is tried, what is chosen, and that the arena runs it."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from h2cache import H2CacheError
from h2cache.arena.fit_files import committed_fit
from h2cache.arena.rows import read_rows
from h2cache.arena.tuning.__main__ import main
from h2cache.arena.tuning.choice import SHARES, best, choose
from h2cache.arena.tuning.searches import searches_of
from h2cache.arena.tuning.trials import Trial, read_trials, write_trial
from h2cache.arena.tuning.tuned import Tuned, read_tuned, settings_of_tuned, tuned_of, write_tuned
from h2cache.methods import METHODS
from tests.arena.conftest import Arena

FIT = committed_fit("flux-nano", 28)


def test_every_rival_is_searched_with_about_as_many_settings_as_default_had() -> None:
    assert FIT is not None
    searches = searches_of(FIT)
    assert set(METHODS) - set(searches) == {"default", "mask"}
    for name, settings in searches.items():
        assert 16 <= len(settings) <= 50
        assert len({setting.label for setting in settings}) == len(settings)
        assert all(setting.name == name and setting.make() is not None for setting in settings)


TRIALS = st.builds(
    Trial,
    method=st.sampled_from(["paper", "teacache"]),
    setting=st.uuids().map(str),
    steps=st.just(28),
    images=st.just(8),
    flops_ratio=st.floats(0.01, 1).map(lambda number: float(f"{number:g}")),
    psnr=st.floats(5, 60).map(lambda number: float(f"{number:g}")),
)


@given(st.lists(TRIALS, min_size=1, max_size=30))
def test_nothing_that_is_chosen_is_beaten_with_as_little_work(trials: list[Trial]) -> None:
    of = {trial.setting: trial for trial in trials}
    for method, chosen in choose(trials).items():
        own = [trial for trial in trials if trial.method == method]
        assert 1 <= len(chosen) <= len(SHARES)
        for label in chosen:
            assert of[label].method == method
            assert not [t for t in own if t.flops_ratio <= of[label].flops_ratio and t.psnr > of[label].psnr]
        front = best(own)
        assert sorted(front, key=lambda trial: trial.psnr) == front


def test_of_the_best_trials_those_nearest_to_the_shares_are_chosen() -> None:
    made = [
        Trial("paper", f"at={100 * share:g}", 28, 8, share, 100 * share) for share in (0.1, 0.21, 0.24, 0.33, 0.9)
    ]
    worse = Trial("paper", "worse", 28, 8, 0.4, 15.0)
    assert choose([*made, worse]) == {"paper": ("at=10", "at=21", "at=24", "at=33", "at=90")}


def test_trials_are_read_as_they_were_written_and_other_files_are_left_alone(tmp_path: Path) -> None:
    path, trial = tmp_path / "trials.csv", Trial("paper", "tau1=0.1, or so", 28, 8, 0.25, 31.5)
    assert read_trials(path) == []
    for _ in range(2):
        write_trial(path, trial)
    assert read_trials(path) == [trial, trial]
    path.write_text("name,age\n")
    with pytest.raises(H2CacheError, match="allowed are those of"):
        read_trials(path)


def test_what_was_chosen_is_read_as_it_was_written(tmp_path: Path) -> None:
    chosen = {"ertacache-like": ("change=0.4 gains=own fit=own",), "paper": ("tau1=0.1", "tau1=0.2")}
    tuned = Tuned("flux-nano", 28, ("sha256:1",), chosen)
    write_tuned(tmp_path / "28.toml", tuned)
    assert read_tuned(tmp_path / "28.toml") == tuned
    (tmp_path / "28.toml").write_text("steps = 28\n")
    with pytest.raises(H2CacheError, match="is no file of the arena's tuning"):
        read_tuned(tmp_path / "28.toml")


def test_a_choice_by_another_fit_or_of_no_search_is_refused(tmp_path: Path) -> None:
    assert FIT is not None
    label = searches_of(FIT)["paper"][0].label
    tuned = Tuned("flux-nano", 28, FIT.tuning, {"paper": (label,)})
    write_tuned(tmp_path / "28.toml", tuned)
    assert tuned_of(tmp_path, "flux-nano", FIT, 28) == tuned
    assert [one.label for one in settings_of_tuned(["paper"], FIT, tuned)] == [f"{label} search=own"]
    with pytest.raises(H2CacheError, match="on other prompts"):
        tuned_of(tmp_path, "flux-nano", replace(FIT, tuning=()), 28)
    with pytest.raises(H2CacheError, match="another model"):
        tuned_of(tmp_path, "another", FIT, 28)
    with pytest.raises(H2CacheError, match="is not there"):
        tuned_of(tmp_path, "flux-nano", FIT, 50)
    with pytest.raises(H2CacheError, match="is in no search"):
        settings_of_tuned(["paper"], FIT, replace(tuned, chosen={"paper": ("tau1=9",)}))


@pytest.mark.parametrize("steps", [28, 50])
def test_the_committed_choice_is_of_the_fit_s_prompts_and_of_every_rival(steps: int) -> None:
    fit = committed_fit("flux-nano", steps)
    assert fit is not None
    tuned = tuned_of(None, "flux-nano", fit, steps)
    assert tuned is not None
    assert set(tuned.chosen) == set(searches_of(fit))
    assert settings_of_tuned(list(tuned.chosen), fit, tuned)


def test_the_command_searches_goes_on_and_the_arena_runs_what_it_chose(
    folder: Path, tmp_path: Path, arena: Arena, capsys: pytest.CaptureFixture[str]
) -> None:
    tuning = tmp_path / "tuning.txt"
    tuning.write_text("a dog\na house\n")
    model = ["--model", str(folder), "--size", "64x64", "--steps", "4", "--prompts", str(tuning)]
    words = [*model, "--methods", "ertacache-like", "--out", str(tmp_path / "search")]
    main(words)
    trials = read_trials(tmp_path / "search" / "trials.csv")
    assert len(trials) == 16
    assert {trial.images for trial in trials} == {2}
    main(words)
    assert read_trials(tmp_path / "search" / "trials.csv") == trials
    with pytest.raises(SystemExit):
        main([*words, "--guidance", "1"])
    assert "guidance 3.5 there, 1.0 here" in capsys.readouterr().err
    asked = ["--methods", "ertacache-like", "--steps", "4", "--tuned", str(tmp_path / "search")]
    out = arena(*asked, "--calibrate", str(tuning))
    tuned = read_tuned(tmp_path / "search" / "4.toml")
    labels = {row.setting for row in read_rows(out / "results.csv")}
    assert {f"{label} search=own" for label in tuned.chosen["ertacache-like"]} <= labels
    with pytest.raises(SystemExit):
        arena(*asked, out="without")
    assert "--tuned goes by a fit" in capsys.readouterr().err


def test_a_method_that_is_no_rival_is_told_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tuning.txt").write_text("a dog\n")
    model = ["--model", str(folder), "--size", "64x64", "--steps", "4", "--prompts", str(tmp_path / "tuning.txt")]
    with pytest.raises(SystemExit) as ended:
        main([*model, "--methods", "default", "--out", str(tmp_path / "search")])
    assert ended.value.code == 2
    assert "tuning: method is 'default', allowed are paper, fbcache" in capsys.readouterr().err
