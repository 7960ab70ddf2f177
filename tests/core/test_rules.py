"""Admission, cache choices, profiles and settings: pure rules and checked files."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.admission import Admitted, Refused, ServiceRate, decide, retry_after_s
from server.api.cache_choice import OFF, PAPER, resolve_cache
from server.api.quoting import printable, quoted
from server.errors import RequestError, SettingsError
from server.profile import PROFILES, load_profile, model_source, served_name
from server.readiness import STALLED_AFTER_S, Phase, Readiness
from server.settings import DEFAULT_FILE, Settings, load_settings

NANO = load_profile("flux-nano")


@given(st.integers(1, 10), st.integers(0, 200), st.integers(1, 200), st.none() | st.floats(0.001, 1000))
def test_a_request_is_admitted_exactly_when_all_its_images_fit(
    count: int, waiting: int, bound: int, rate: float | None
) -> None:
    said = decide(count, waiting, 0, bound, rate)
    assert isinstance(said, Admitted) == (waiting + count <= bound)
    if isinstance(said, Refused):
        assert 1 <= said.retry_after_s <= 120


@given(st.integers(1, 500), st.floats(0.01, 100), st.floats(0.01, 100))
def test_a_faster_server_asks_clients_back_no_later(images: int, slow: float, fast: float) -> None:
    slow, fast = sorted((slow, fast))
    assert retry_after_s(images, fast) <= retry_after_s(images, slow)


def test_the_service_rate_is_images_over_seconds_of_work() -> None:
    rate = ServiceRate()
    assert rate.finished(10.0).images_per_s is None
    rate = rate.began(100.0)
    for second in range(1, 101):
        rate = rate.began(100.0 + second / 2 - 0.1).finished(100.0 + second / 2)
    assert rate.images_per_s == pytest.approx(2.0)
    assert rate.idle().began(1000.0).finished(1000.5).images_per_s == pytest.approx(2.0)


@given(st.integers(1, 16), st.integers(1, 5), st.floats(0.1, 100))
def test_images_of_a_batch_that_end_together_count_with_the_time_that_the_batch_took(
    batch: int, rounds: int, took_s: float
) -> None:
    rate, now_s = ServiceRate(), 0.0
    for _ in range(rounds):
        rate, now_s = rate.idle().began(now_s), now_s + took_s
        for _ in range(batch):
            rate = rate.finished(now_s)
    measured = rate.images_per_s
    assert measured is not None
    # The wait lies before the images, and what is older weighs a little less.
    assert batch / took_s <= measured * 1.000001 <= 1.25 * batch / took_s


@pytest.mark.parametrize(
    ("body", "taus"),
    [
        ({}, (NANO.presets["balanced"].tau1, NANO.presets["balanced"].tau2)),
        ({"cache": "off"}, (None, None)),
        ({"cache": "paper"}, (0.15, 0.22)),
        ({"cache": {}}, (PAPER.tau1, PAPER.tau2)),
        ({"cache": {"tau1": 0.3}}, (0.3, PAPER.tau2)),
        ({"cache": {"tau2": 0.3}}, (PAPER.tau1, 0.3)),
        ({"tau1": 0.3}, (0.3, PAPER.tau2)),
        ({"tau1": 0.3, "cache": {"tau1": 0.3, "tau2": 0.1}}, (0.3, 0.1)),
        ({"tau1": 0.3, "cache": "paper"}, (0.3, 0.22)),
        ({"cache": {"preset": "fast", "tau2": 0.5}}, (NANO.presets["fast"].tau1, 0.5)),
        ({"quality": "low"}, (NANO.presets["fast"].tau1, NANO.presets["fast"].tau2)),
        ({"quality": "low", "cache": "paper"}, (0.15, 0.22)),
    ],
)
def test_a_cache_field_means_these_thresholds(body: dict[str, Any], taus: tuple[float | None, ...]) -> None:
    choice = resolve_cache(body, NANO)
    assert (choice.tau1, choice.tau2) == taus


def test_a_bare_object_has_no_guards_but_those_given() -> None:
    choice = resolve_cache({"cache": {"warmup": 3, "max_consecutive": 4, "last_full": True}}, NANO)
    assert (choice.preset, choice.warmup, choice.max_consecutive, choice.last_full) == ("custom", 3, 4, True)
    bare = resolve_cache({"cache": {"tau1": 0.1}}, NANO)
    assert (bare.warmup, bare.max_consecutive, bare.last_full) == (0, None, False)


@given(st.floats(0, 10), st.floats(0, 10))
def test_flat_and_nested_taus_are_the_same_request(tau1: float, tau2: float) -> None:
    flat = resolve_cache({"tau1": tau1, "tau2": tau2}, NANO)
    assert flat == resolve_cache({"cache": {"tau1": tau1, "tau2": tau2}}, NANO)
    assert flat == resolve_cache({"tau1": tau1, "cache": {"tau2": tau2}}, NANO)


def test_flat_and_nested_taus_that_differ_are_refused() -> None:
    with pytest.raises(RequestError, match="allowed is one value"):
        resolve_cache({"tau1": 0.1, "cache": {"tau1": 0.2}}, NANO)


@pytest.mark.parametrize("name", ["off", "paper", *NANO.presets])
def test_a_preset_s_name_and_an_object_with_it_are_the_same(name: str) -> None:
    assert resolve_cache({"cache": name}, NANO) == resolve_cache({"cache": {"preset": name}}, NANO)


def test_paper_and_off_are_what_the_library_calls_so() -> None:
    assert (PAPER.warmup, PAPER.max_consecutive, PAPER.last_full) == (0, None, False)
    assert OFF.is_off


@given(st.text())
def test_quoted_text_is_short_printable_ascii(text: str) -> None:
    assert len(printable(text)) <= 64
    assert printable(text).isascii()
    assert quoted(text).isprintable()


def test_a_model_without_a_profile_gets_flux_1_s_values_under_its_own_name(tmp_path: Path) -> None:
    profile = load_profile(str(tmp_path / "my-flux"))
    assert (profile.name, profile.folder, profile.default_width) == ("my-flux", str(tmp_path / "my-flux"), 1024)
    assert load_profile("org/Some-Flux").name == "Some-Flux"
    assert load_profile("black-forest-labs/FLUX.1-dev").name == "flux-dev"


@pytest.mark.parametrize(
    ("pipeline", "steps", "guidance"),
    [
        ("FluxPipeline", 28, 3.5),
        ("FluxKontextPipeline", 28, 2.5),
        ("FluxFillPipeline", 50, 30.0),
        ("Flux2Pipeline", 50, 4.0),
        ("Flux2KleinPipeline", 50, 4.0),
        ("Other", 28, 3.5),
    ],
)
def test_a_folder_without_a_profile_gets_the_values_of_its_pipeline(
    tmp_path: Path, pipeline: str, steps: int, guidance: float
) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    profile = load_profile(str(tmp_path))
    assert (profile.folder, profile.default_steps, profile.default_guidance) == (str(tmp_path), steps, guidance)


@pytest.mark.parametrize(("is_distilled", "by_two"), [(False, True), (True, False), (None, True)])
def test_a_folder_of_klein_guides_by_two_rows_unless_it_is_distilled(
    tmp_path: Path, is_distilled: bool | None, by_two: bool
) -> None:
    said = {} if is_distilled is None else {"is_distilled": is_distilled}
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "Flux2KleinPipeline", **said}))
    assert load_profile(str(tmp_path)).guides_by_two is by_two


@pytest.mark.parametrize("index", ["{", "[]", "{}"])
def test_a_folder_with_a_broken_index_gets_flux_1_s_values_and_fails_when_it_is_loaded(
    tmp_path: Path, index: str
) -> None:
    (tmp_path / "model_index.json").write_text(index)
    assert load_profile(str(tmp_path)).default_steps == 28


def test_nano_is_an_alias_of_flux_nano() -> None:
    assert load_profile("nano") == load_profile("flux-nano") == load_profile(model_source(NANO))
    assert (NANO.min_side, NANO.max_side, NANO.side_multiple) == (64, 192, 16)
    assert (NANO.default_steps, NANO.default_guidance, NANO.text_length) == (28, 3.5, 16)
    assert (NANO.default_width, NANO.default_height) == (128, 128)


@given(st.text(min_size=1))
def test_a_served_name_can_be_written_by_clients(source: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+", served_name(source))


def test_a_path_never_means_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(model_source(NANO)).is_absolute()
    assert model_source(NANO, tmp_path) == str(tmp_path / "nano" / "flux-nano")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "here").mkdir(parents=True)
    assert model_source(load_profile("org/here")) == str(tmp_path / "org" / "here")
    assert model_source(load_profile("./gone")) == str(tmp_path / "gone")
    assert model_source(load_profile("org/elsewhere")) == "org/elsewhere"


def test_every_shipped_profile_is_valid() -> None:
    for path in PROFILES.glob("*.toml"):
        name = tomllib.loads(path.read_text())["name"]
        profile = load_profile(name)
        assert profile.name == name
        assert set(profile.presets) >= {"fast", "balanced", "quality"}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("surprise = 1", "surprise"),
        ('default_preset = "warp"', "warp"),
        ("default_width = 1000", "1000"),
        ("default_steps = 101", "101"),
        ("min_side = 'x'", "min_side"),
        ("[", "x.toml"),
    ],
)
def test_a_wrong_profile_is_refused_by_the_key(tmp_path: Path, line: str, named: str) -> None:
    key = line.split(" ")[0]
    kept = [old for old in (PROFILES / "flux1.toml").read_text().splitlines() if not old.startswith(f"{key} ")]
    (tmp_path / "x.toml").write_text("\n".join([line, *kept]))
    with pytest.raises(SettingsError, match=named):
        load_profile("x", tmp_path)


def test_the_environment_overrides_the_file_and_a_flag_overrides_both() -> None:
    environ = {"H2SERVE_MAX_BATCH": "3", "H2SERVE_PORT": "9000", "HOME": "/"}
    settings = load_settings(DEFAULT_FILE, {"port": 9001}, environ)
    assert (settings.max_batch, settings.port, settings.max_queue) == (3, 9001, 128)


def test_a_wrong_variable_is_refused_by_name_and_value() -> None:
    with pytest.raises(SettingsError, match=r"'max_batch'.*'many'"):
        load_settings(DEFAULT_FILE, {}, {"H2SERVE_MAX_BATCH": "many"})


def test_settings_are_frozen() -> None:
    settings = load_settings(DEFAULT_FILE, {}, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


@pytest.mark.parametrize(
    ("text", "named"),
    [("prot = 1", "prot"), ("port = 70000", "port"), ('device = "gpu"', "device"), ("port =", "not TOML")],
)
def test_a_wrong_file_is_refused_by_the_key(tmp_path: Path, text: str, named: str) -> None:
    key = text.split(" ")[0]
    kept = [line for line in DEFAULT_FILE.read_text().splitlines() if not line.startswith(f"{key} ")]
    file = tmp_path / "profile.toml"
    file.write_text("\n".join([*kept, text]))
    with pytest.raises(SettingsError, match=named):
        load_settings(file, {}, {})


def test_a_file_that_says_little_leaves_the_rest_as_shipped(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text("max_batch = 4")
    settings = load_settings(tmp_path / "small.toml", {}, {})
    assert settings.model_dump() == load_settings(DEFAULT_FILE, {"max_batch": 4}, {}).model_dump()
    (tmp_path / "odd.toml").write_text("max_batch = 4\nsurprise = 1")
    with pytest.raises(SettingsError, match="'surprise' is unknown"):
        load_settings(tmp_path / "odd.toml", {}, {})


def test_a_missing_file_or_an_unknown_variable_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "none.toml", {}, {})
    with pytest.raises(SettingsError, match="H2SERVE_PROT"):
        load_settings(DEFAULT_FILE, {}, {"H2SERVE_PROT": "1"})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "binary.toml", {}, {})


def test_the_default_file_says_every_setting() -> None:
    named = {line.split(" ")[0] for line in DEFAULT_FILE.read_text().splitlines() if line and line[0] != "#"}
    assert named == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("phase", "tick", "ready"),
    [
        (Phase.LOADING, None, False),
        (Phase.SERVING, None, False),
        (Phase.SERVING, 100.0, True),
        (Phase.SERVING, 100.0 - STALLED_AFTER_S - 1, False),
        (Phase.DRAINING, 100.0, False),
    ],
)
def test_ready_means_serving_with_a_loop_that_ticks(phase: Phase, tick: float | None, ready: bool) -> None:
    assert (Readiness(phase).reason_not_ready(tick, 100.0) is None) == ready
