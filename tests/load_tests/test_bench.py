"""The benchmark as a command, against a little server and against ours."""

import csv
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from load_tests.__main__ import main
from tests.load_tests.little_server import Answer, little_server, with_image

SMALL = ("--requests", "12", "--seeds", "2", "--pair-requests", "3", "--in-flight", "4", "--rate", "40,0.5x")


def run(*words: object) -> int:
    """The exit code; 1 only says that this machine was too busy to keep the timetable."""
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code
    return 0


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


@dataclass(frozen=True)
class Measured:
    folder: Path
    bodies: list[dict[str, Any]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """One small benchmark of a little server."""
    folder = tmp_path_factory.mktemp("measured")
    with little_server() as server:
        assert run("--url", server.url, "--out", folder, *SMALL) in (0, 1)
    return Measured(folder, server.bodies)


def test_every_rate_and_seed_has_its_line_its_json_and_its_requests(measured: Measured) -> None:
    runs, requests = rows_of(measured.folder / "runs.csv"), rows_of(measured.folder / "requests.csv")
    assert [row["seed"] for row in runs] == ["0", "1", "0", "1"]
    assert {row["images"] for row in runs} == {"12"}
    assert {row["skipped_blocks"] for row in runs} == {"0.75"}
    assert len(requests) == 48 and {row["end"] for row in requests} == {"image"}
    files = [json.loads(file.read_text()) for file in measured.folder.glob("run-*.json")]
    assert len(files) == 4
    assert files[0]["provenance"]["plan"]["mix"] == "nano"
    assert files[0]["provenance"]["machine"]["packages"]["httpx"]


def test_pairs_are_measured_on_the_same_requests_against_the_uncached_images(measured: Measured) -> None:
    points, bodies = rows_of(measured.folder / "pairs.csv"), measured.bodies[-6 * 3 * 2 :]
    assert [row["pair"] for row in points][:2] == ["uncached", "0.08, 0.10"]
    assert (points[0]["psnr"], points[0]["skipped_blocks"]) == ("60.0", "0.0")
    assert 20 < float(points[1]["psnr"]) < 60 and float(points[1]["flip"]) > 0
    assert {body["seed"] for body in bodies} == {body["seed"] for body in bodies[:3]}


def test_the_report_is_one_file_that_needs_no_other(measured: Measured) -> None:
    report = (measured.folder / "report.html").read_text()
    assert report.count("<svg") == 2 and "0.15, 0.22" in report
    for name in ("goodput.svg", "fidelity.svg"):
        assert (measured.folder / name).read_text() in report
    links = re.findall(r"(?:src|href|xlink:href|url)\s*[=(]\s*[\"']?([^\"')\s>]+)", report)
    assert all(link.startswith("#") for link in links)


def test_429s_are_counted_apart_from_failures(tmp_path: Path) -> None:
    warm_up, measured = 16, 20

    def full(body: dict[str, Any]) -> Answer:
        number = len(server.bodies) - warm_up
        if 0 < number <= 5:
            return 429, {"error": {"message": "full"}}
        return (500, {}) if number == measured else with_image(body)

    with little_server(full) as server:
        run("--url", server.url, "--out", tmp_path, *SMALL, "--requests", measured, "--rate", "50", "--seeds", "1")
    (summary,) = rows_of(tmp_path / "runs.csv")
    assert (summary["images"], summary["refused"], summary["failed"]) == ("14", "5", "1")
    assert [row["error"] for row in rows_of(tmp_path / "requests.csv")].count("full") == 5


def test_a_pair_whose_images_are_not_all_there_is_not_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses_one_pair(body: dict[str, Any]) -> Answer:
        return (400, {"error": {"message": "too high"}}) if body.get("tau1") == 0.25 else with_image(body)

    with little_server(refuses_one_pair) as server:
        assert run("--url", server.url, "--out", tmp_path, *SMALL) == 2
    assert "no image under 0.25, 0.35: 400 too high" in capsys.readouterr().out.replace("\n", " ")


def test_without_a_reference_there_is_speed_and_no_fidelity(tmp_path: Path) -> None:
    with little_server() as server:
        run("--url", server.url, "--out", tmp_path, "--quick", "--mix", "any_server", "--rate", "50")
    (point,) = rows_of(tmp_path / "pairs.csv")
    assert (point["pair"], point["psnr"]) == ("as served", "")
    assert float(point["images_per_s"]) > 0


def test_the_key_goes_into_the_header_and_nowhere_else(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sesame-open\n")
    with little_server() as server:
        run("--url", server.url, "--out", tmp_path / "o", "--quick", "--rate", "50", "--key-file", key)
        assert server.headers[0]["authorization"] == "Bearer sesame-open"
    assert not [file for file in (tmp_path / "o").iterdir() if "sesame" in file.read_text()]


def test_a_server_that_gives_no_image_ends_the_test_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with little_server(lambda body: (404, {"error": {"message": "no such model"}})) as server:
        assert run("--url", server.url, "--out", tmp_path / "o", *SMALL) == 2
        assert len(server.bodies) == 16
    assert "gives no image: 404 no such model" in capsys.readouterr().out
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url", "http://10.0.0.1"), "--i-own-this-server"),
        (("--rate", "fast"), "--rate has 'fast'"),
        (("--mix", "no-such"), "shipped are"),
        (("--key-file", "no-such"), "cannot be read"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--url", "http://127.0.0.1:9", *words) == 2
    assert said in capsys.readouterr().out.replace("\n", "")


def test_our_own_server_is_measured_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server.bench.instant_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            assert run("--url", url, "--out", tmp_path, "--quick", "--rate", "20") in (0, 1)
        finally:
            process.terminate()
    (summary,) = rows_of(tmp_path / "runs.csv")
    assert (summary["images"], summary["failed"]) == ("30", "0")
    assert summary["skipped_blocks"] != ""
    provenance = json.loads((tmp_path / "pairs.json").read_text())["provenance"]
    assert provenance["server"]["models"]["data"][0]["id"] == "flux-nano"
