"""Where a plan's numbers come from, and what the command says of them."""

import json
from pathlib import Path

import pytest

from server.__main__ import main
from server.access.caller import Caller, Limits
from server.access.key import ApiKey, digest, new_secret
from server.access.key_file import write_keys
from server.engine.fake import InstantEngine
from server.engine.interface import BatchStepped
from server.errors import SettingsError
from server.measured_share import share_at
from server.plan.gpus import gpu_named, known_gpus
from server.plan.measured import Sums, mean_computed, mean_stage_s, mean_step_times, mean_steps, read_sums
from server.plan.share import share_of
from server.profile import load_profile
from tests.cluster.processes import cluster, until_ready
from tests.live import live_server
from tests.metrics.sides import OFF, Sides, pair, row
from tests.redis_server import redis_server

NANO, FLUX1 = load_profile("flux-nano"), load_profile("black-forest-labs/FLUX.1-dev")
PLAN = ("plan", "--rate", "2", "--p99", "9")


def test_a_preset_measured_on_the_model_says_so() -> None:
    share, remark = share_of(NANO, "balanced")
    assert share == NANO.presets["balanced"].measured_flops_ratio
    assert not remark.startswith("estimate")


def test_a_preset_that_was_never_measured_on_the_model_is_an_estimate_and_says_so() -> None:
    share, remark = share_of(FLUX1, "balanced")
    assert share == share_at("paper", 0.15, 0.22), "of the method that the preset has on that model"
    assert remark.startswith("estimate") and "flux-nano" in remark and "paper" in remark


def test_the_paper_s_rule_can_be_planned_with_on_any_model() -> None:
    assert share_of(NANO, "paper")[0] == share_of(FLUX1, "paper")[0] == share_at("paper", 0.15, 0.22)


def test_off_spends_everything_and_an_unknown_preset_is_refused() -> None:
    assert share_of(FLUX1, "off")[0] == 1
    with pytest.raises(SettingsError, match="allowed are off, paper, fast"):
        share_of(FLUX1, "turbo")


def test_every_gpu_has_a_source_and_an_unknown_one_is_refused_with_the_list() -> None:
    assert all(0 < gpu.step_s < 10 and len(gpu.source) > 20 for gpu in known_gpus().values())
    with pytest.raises(SettingsError, match="allowed are h100"):
        gpu_named("abacus")


def test_step_times_are_the_means_of_what_was_stepped_between_two_scrapes() -> None:
    sides = Sides()

    def step(size: int, seconds: float) -> None:
        sides.worker.engine_said(BatchStepped(size, seconds, (row(OFF),) * size))

    step(1, 9.0)
    earlier = read_sums(sides.text())
    for size, seconds in ((1, 0.1), (1, 0.3), (8, 1.2)):
        step(size, seconds)
    sums = read_sums(sides.text()) - earlier
    times = mean_step_times(sums)
    assert {size: pytest.approx(seconds) for size, seconds in times.seconds.items()} == {1: 0.2, 8: 1.2}
    with pytest.raises(SettingsError, match="no image was answered"):
        mean_stage_s(sums, "decode")


def test_steps_under_one_label_stand_for_their_mean_size_and_not_for_the_largest() -> None:
    """A label has sizes up to the next power of two; taken for the largest, a full batch would seem too fast."""
    sides = Sides()
    for size, seconds in ((5, 0.5), (6, 0.6), (7, 0.7), (2, 0.2)):
        sides.worker.engine_said(BatchStepped(size, seconds, (row(OFF),) * size))
    times = mean_step_times(read_sums(sides.text()))
    assert times.of(8) == pytest.approx(0.8)
    assert times.of(6) == pytest.approx(0.6)


def test_a_batch_whose_samples_step_by_turns_takes_the_time_that_all_of_them_take() -> None:
    """Of four, three go ahead at next to no cost, then all compute: seven steps of samples in 1.05 s."""
    sides = Sides()
    sides.worker.engine_said(BatchStepped(4, 0.05, (row(OFF),) * 3, waiting=1))
    sides.worker.engine_said(BatchStepped(4, 1.0, (row(OFF),) * 4))
    assert mean_step_times(read_sums(sides.text())).of(4) == pytest.approx(4 * 1.05 / 7)
    sides.worker.image_ended("finished")
    assert mean_steps(read_sums(sides.text())) == 7


def test_what_two_processes_measured_is_added_up() -> None:
    one, other = Sums({("steps", ()): 1.0, ("images", ()): 2.0}), Sums({("steps", ()): 4.0, ("jobs", ()): 8.0})
    assert (one + other).values == {("steps", ()): 5.0, ("images", ()): 2.0, ("jobs", ()): 8.0}


def test_steps_are_those_that_the_images_took_whatever_their_model_s_default_is() -> None:
    sides = Sides()
    with pytest.raises(SettingsError, match="give --steps"):
        mean_steps(read_sums(sides.text()))
    for steps in (4, 4, 11):
        for _ in range(steps):
            sides.worker.engine_said(BatchStepped(1, 0.1, (row(OFF),)))
        sides.worker.image_ended("finished")
    assert mean_steps(read_sums(sides.text())) == 6, "of 19 steps and 3 images"


def test_an_image_s_steps_count_once_in_a_batch_and_under_two_rows_of_guidance() -> None:
    sides = Sides()
    for _ in range(4):
        sides.worker.engine_said(BatchStepped(2, 0.1, (row(OFF),) * 4))
    for _ in range(2):
        sides.worker.image_ended("finished")
    assert mean_steps(read_sums(sides.text())) == 4


def test_of_an_image_s_steps_as_many_compute_as_did_of_all_rows() -> None:
    sides = Sides()
    assert mean_computed(read_sums(sides.text()), 28) == 28
    hit = row(pair(0.25, 0.35, "fast"), "structure_hit")
    for rows in ((row(OFF), hit, hit, hit), (hit, hit, hit, row(OFF))):
        sides.worker.engine_said(BatchStepped(4, 0.1, rows))
    assert mean_computed(read_sums(sides.text()), 28) == 7
    assert mean_computed(read_sums(sides.text()), 1) == 1


def test_before_the_first_step_there_is_nothing_to_plan_with() -> None:
    with pytest.raises(SettingsError, match="no step was taken"):
        mean_step_times(read_sums(Sides().text()))


def test_the_command_marks_what_was_never_run_as_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*PLAN, "--gpu", "h100"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "estimate: h2serve was never run on h100" in said and "xDiT" in said
    assert "yes" in said
    assert "encode and decode count as 0 s, give --encode and --decode" in said


def test_times_that_are_given_are_not_remarked_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*PLAN, "--step-times", "1:0.01", "--encode", "0.1", "--decode", "0", "--json"])
    assert len(json.loads(capsys.readouterr().out)["remarks"]) == 1, "of the preset"


def test_the_command_reads_a_running_server_s_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    with live_server(InstantEngine) as client:
        client.post("/v1/images/generations", json={"prompt": "a star"}).raise_for_status()
        with pytest.raises(SystemExit) as ended:
            main([*PLAN, "--url", str(client.base_url), "--json"])
    assert ended.value.code == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["fleets"][-1]["workers"] == 1
    assert "measured" in answer["remarks"][0]


def test_a_running_server_s_steps_are_what_it_took_unless_others_are_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with live_server(InstantEngine) as client:
        body = {"prompt": "a star", "num_inference_steps": 4}
        client.post("/v1/images/generations", json=body).raise_for_status()
        url = str(client.base_url)
        assert exit_code("--url", url, "--json") == 0
        assert "thresholds and 4 steps of what was served" in capsys.readouterr().out
        assert exit_code("--url", url, "--steps", "9", "--json") == 0
        assert "4 steps" not in capsys.readouterr().out


def exit_code(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*PLAN, *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_command_shows_its_key_where_the_metrics_want_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book, key = tmp_path / "keys.json", new_secret()
    write_keys(book, [ApiKey(digest(key), Caller("k1", "somebody", 1.0, Limits(), is_admin=True), 1000)])
    with live_server(InstantEngine, keys=str(book)) as client:
        headers = {"authorization": f"Bearer {key}"}
        client.post("/v1/images/generations", json={"prompt": "a star"}, headers=headers).raise_for_status()
        url = str(client.base_url)
        assert exit_code("--url", url) == 2
        assert "wants --key" in capsys.readouterr().err
        assert exit_code("--url", url, "--key", key) == 0


def test_an_api_and_a_worker_are_read_together_and_one_alone_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with redis_server() as redis, cluster(redis.url) as processes:
        worker = processes.worker("slow-step:step_s=0.02").port_address
        _, client = processes.api()
        with client:
            until_ready(client)
            client.post("/v1/images/generations", json={"prompt": "a star"}).raise_for_status()
        api = str(client.base_url)
        assert exit_code("--url", api) == 2
        assert "name its workers too" in capsys.readouterr().err
        assert exit_code("--url", worker) == 2
        assert "name its API, or --encode" in capsys.readouterr().err
        assert exit_code("--url", worker, "--encode", "0.1", "--decode", "0.1") == 0
        assert exit_code("--url", api, "--url", worker) == 0
        assert worker in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give one of"),
        (("--gpu", "h100", "--step-times", "1:1"), "give one of"),
        (("--step-times", "fast"), "step times are 'fast'"),
        (("--gpu", "h100", "--steps", "400"), "allowed is at least"),
        (("--url", "ftp://x"), "allowed is one that begins with http"),
        (("--url", "http://127.0.0.1:9"), "cannot be read"),
        (("--url", "http://127.0.0.1:9", "--preset", "fast"), "with --url the clients' own thresholds count"),
        (("--url", "http://127.0.0.1:9", "--model", "flux-nano"), "with --url what was served counts"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line_with_exit_code_2(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*PLAN, *words])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
