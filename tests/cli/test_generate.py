"""``h2serve generate`` and ``compare`` against a running server, and what they draw."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from server.cli.follow import make_as_job
from server.cli.sheet import A_ROW, LEAST_SIDE, MOST_SIDE, Shot, draw_sheet
from server.cli.strip import JobStrip, Strips, draw_counts
from server.cli.target import ask
from server.engine.fake import InstantEngine
from server.engine.interface import SampleFailed, SampleStepped
from server.image_metadata import read_metadata
from tests.cli.test_commands import code_of, run
from tests.live import live_server

PROMPT = "a large red heart at the left on a blue background"
MADE_AND_CANCELLED = ["POST /v1/jobs", "GET /v1/jobs/x/events", "DELETE /v1/jobs/x"]


@pytest.fixture(scope="module")
def url() -> Any:
    with live_server(lambda: InstantEngine(fail_on="broken")) as client:
        yield str(client.base_url)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("b.jpg", "JPEG"), ("c.webp", "WEBP")])
def test_the_file_s_name_says_its_format(url: str, name: str, kind: str) -> None:
    run("generate", PROMPT, "-o", name, "--url", url, "--size", "64x96")
    with Image.open(name) as image:
        assert (image.format, image.size) == (kind, (64, 96))


def test_several_images_are_numbered_and_without_a_name_they_have_their_seeds(url: str, tmp_path: Path) -> None:
    run("generate", PROMPT, "-n", "2", "-o", "out.png", "--url", url)
    run("generate", PROMPT, "-n", "2", "--seed", "5", "--url", url)
    assert {file.name for file in tmp_path.iterdir()} == {
        *("out-1.png", "out-2.png", "h2serve-5.png", "h2serve-6.png")
    }


def test_json_is_all_that_is_said_on_standard_output(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--tau1", "0.3", "--tau2", "0.4", "--steps", "10", "--seed", "9", "--json")
    run("generate", PROMPT, "-o", "a.png", "--url", url, *words)
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert captured.err == ""
    (image,) = said["images"]
    assert (image["file"], image["seed"]) == ("a.png", 9)
    assert (image["cache"]["tau1"], image["cache"]["tau2"], image["cache"]["steps"]) == (0.3, 0.4, 10)


def test_the_summary_says_how_the_steps_were_taken(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("generate", PROMPT, "-o", "a.png", "--url", url, "--preset", "fast", "--steps", "4")
    said = " ".join(capsys.readouterr().err.split())
    assert "██░░ 4/4" in said
    assert "fast: 4 steps, 2 full, 0 detail hits, 2 structure hits; 43% of the blocks' work skipped" in said


def test_an_image_s_own_request_is_repeated_but_for_what_is_given(url: str) -> None:
    run("generate", PROMPT, "-o", "a.png", "--url", url, "--seed", "3", "--preset", "quality", "--steps", "6")
    run("generate", "--from", "a.png", "-o", "b.png", "--url", url)
    run("generate", "--from", "a.png", "-o", "c.png", "--url", url, "--seed", "4")
    first, again, other = (Path(name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert first == again
    assert read_metadata(other).request == {**read_metadata(first).request, "seed": 4}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "a prompt is missing"),
        (("x", "-o", "a.bmp"), 2, "a.bmp is of no known format, allowed are .png"),
        (("--from", "nowhere.png"), 2, "nowhere.png cannot be read"),
        (("x", "--preset", "slow"), 2, "'slow', allowed are off, paper"),
        (("x", "--tau1", "-1"), 2, "tau1"),
        (("x", "--model", "other"), 2, "is not served here"),
        (("x", "-o", "no/such/folder.png"), 2, "cannot be written"),
        (("a broken thing",), 1, "could not be computed"),
    ],
    ids=str,
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    url: str, words: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("generate", *words, "--url", url, "--json") == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("h2serve: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_a_server_that_is_not_there_or_not_ours_is_said_so(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert code_of("generate", "x", "--url", "http://127.0.0.1:9") == 1
    assert "does not answer" in capsys.readouterr().err
    assert code_of("generate", "x", "--url", "nonsense") == 1
    assert code_of("generate", "x", "--url", f"{url}/nowhere") == 2


def test_a_busy_server_is_worth_trying_again() -> None:
    with live_server(InstantEngine, max_queue=1) as client:
        url = str(client.base_url)
        busy = httpx.Response(429, json={"error": {"message": "full"}}, headers={"retry-after": "1"})
        assert code_of("generate", "x", "-n", "2", "--url", url) == 2
        assert exit_code_of(busy) == 3
        assert exit_code_of(httpx.Response(503, json={"error": {"message": "loading"}})) == 3
        assert exit_code_of(httpx.Response(500, text="<html>")) == 1


def exit_code_of(response: httpx.Response) -> int:
    from server.__main__ import code_of as code_of_error
    from server.cli.target import error_of

    return code_of_error(error_of(response))


def test_a_comparison_is_one_picture_with_a_column_a_rule(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("compare", PROMPT, "-o", "all.png", "--url", url, "--steps", "4", "--size", "64x64", "--json")
    said = json.loads(capsys.readouterr().out)
    assert [rule["rule"] for rule in said["rules"]] == ["off", "paper", "fast", "balanced", "quality", "lossless"]
    assert (said["rules"][0]["skipped"], said["rules"][0]["psnr_db"]) == (0, None)
    with Image.open("all.png") as sheet:
        assert sheet.width > 5 * LEAST_SIDE


def shot(name: str, side: int, psnr_db: float | None = 30.0) -> Shot:
    buffer = BytesIO()
    Image.new("RGB", (side, side), "red").save(buffer, "PNG")
    return Shot(name, buffer.getvalue(), 0.0, 0.5, psnr_db, {})


@pytest.mark.parametrize("side", [16, 100, 300, 1500])
@pytest.mark.parametrize("count", [1, A_ROW, A_ROW + 1])
def test_a_sheet_has_room_for_every_image_whatever_the_size(side: int, count: int) -> None:
    sheet = draw_sheet("x" * 1000, 1, [shot("off", side)] * count)
    assert sheet.width <= 2 * 24 + A_ROW * (MOST_SIDE + 16)
    reds = sum(
        number for number, color in sheet.getcolors(sheet.width * sheet.height) or () if color == (255, 0, 0)
    )
    shown = min(side, MOST_SIDE) * max(1, LEAST_SIDE // side)
    assert reds == count * shown**2


@pytest.mark.parametrize("command", ["generate", "compare"])
def test_the_model_that_is_named_is_asked_of_the_server(
    command: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(command, PROMPT, "-o", "a.png", "--url", url, "--model", "another", "--steps", "2") == 2
    assert "model 'another' is not served here" in capsys.readouterr().err
    run(command, PROMPT, "-o", "a.png", "--url", url, "--model", "nano", "--steps", "2", "--size", "64x64")


def test_equal_images_are_called_equal_and_have_no_psnr_in_json() -> None:
    assert (shot("a", 4, math.inf).fidelity, shot("a", 4, math.inf).as_dict()["psnr_db"]) == ("equal", None)


def test_a_strip_has_a_cell_a_step_and_the_dearer_of_two_rows() -> None:
    strips = Strips()
    for step, outcomes in enumerate([("full",), ("structure_hit",), ("detail_hit", "structure_hit")], start=1):
        strips.hear(SampleStepped("job:1", step, 5, outcomes))
    strips.hear(SampleStepped("job:0", 1, 5, ("structure_hit", "full")))
    strips.hear(SampleStepped("job:0", 1, 5))
    strips.hear(SampleFailed("job:0", "x"))
    assert strips.__rich__().plain == "image 1 █···· 1/5\nimage 2 █░▓·· 3/5"


def test_a_jobs_events_are_drawn_as_they_come_and_a_step_told_again_changes_nothing() -> None:
    strip = JobStrip()

    def step(full: int, detail_hits: int, structure_hits: int) -> None:
        cache = {"full": full, "detail_hits": detail_hits, "structure_hits": structure_hits}
        strip.hear({"type": "job.step", "num_steps": 5, "cache": cache})

    strip.hear({"type": "job.queued", "queue_position": 3})
    assert strip.__rich__().plain == "waiting, 3 before it ..."
    strip.hear({"type": "job.started", "attempt": 1})
    for sums in ((1, 0, 0), (1, 0, 2), (1, 0, 1), (2, 0, 2), (2, 1, 2)):
        step(*sums)
    assert strip.__rich__().plain == "█░░█▓ 5/5"
    assert strip.is_of({"full": 2, "detail_hits": 1, "structure_hits": 2})
    assert not strip.is_of({"full": 2, "detail_hits": 1, "structure_hits": 3})


def calls_when_interrupted(events: Callable[[], Awaitable[httpx.Response]]) -> list[str]:
    """Of a command that is interrupted while it waits for its job's events; it ends as interrupted."""
    calls: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        calls.append(f"{request.method} {request.url.path}")
        if request.url.path.endswith("/events"):
            return await events()
        return httpx.Response(202, json={"object": "job", "id": "x"})

    async def scenario() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x") as client:
            making = asyncio.create_task(make_as_job(client, {"prompt": "x"}, print))
            while "GET /v1/jobs/x/events" not in calls:
                await asyncio.sleep(0.01)
            making.cancel()
            done, _ = await asyncio.wait([making], timeout=30)
            assert done and making.cancelled()

    asyncio.run(scenario())
    return calls


def test_who_interrupts_a_command_cancels_its_job() -> None:
    async def no_events() -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    assert calls_when_interrupted(no_events) == MADE_AND_CANCELLED


class BreaksWhenClosed(httpx.AsyncByteStream):
    """Events that never come, of a connection that cannot be closed without an error."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def aclose(self) -> None:
        raise httpx.ReadError("broken")


def test_an_interruption_is_not_lost_in_an_error_of_the_connection() -> None:
    async def broken_events() -> httpx.Response:
        return httpx.Response(200, stream=BreaksWhenClosed())

    assert calls_when_interrupted(broken_events) == MADE_AND_CANCELLED


def test_an_interruption_is_not_taken_for_a_server_that_does_not_answer() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.Event().wait()
        finally:
            raise httpx.ReadError("broken")

    async def scenario() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x") as client:
            asking = asyncio.create_task(ask(client, "POST", "/v1/jobs", {}))
            await asyncio.sleep(0.01)
            asking.cancel()
            await asyncio.wait([asking], timeout=30)
            assert asking.cancelled()

    asyncio.run(scenario())


def test_where_only_sums_are_known_the_cells_are_in_order_of_cost() -> None:
    counts = {"steps": 6, "full": 2, "detail_hits": 1, "structure_hits": 3}
    assert draw_counts(counts).plain == "██▓░░░ 6/6"
