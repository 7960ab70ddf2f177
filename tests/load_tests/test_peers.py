"""The peers: what they read, how they are bounded, brought to equal skipping, batched and compared."""

import asyncio
import math
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests.errors import LoadTestError
from load_tests.fidelity import Fidelity
from load_tests.mix import load_mix
from load_tests.orders import mixed_orders
from load_tests.peers.__main__ import knobs, multiples, our_contender, parser, table
from load_tests.peers.aims import Aim, Measured
from load_tests.peers.bounded_queue import BoundedQueue
from load_tests.peers.comparison import Standing, Trial, fastest
from load_tests.peers.contender import Contender, serving
from load_tests.peers.matching import matching_factor
from load_tests.peers.measuring import Effort, peak_goodput, with_factor
from load_tests.peers.wanted import parse_wanted
from load_tests.summary import Summary

LITTLE = """
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), SimpleHTTPRequestHandler).serve_forever()
"""
EFFORT = Effort(pass_requests=96, in_flight=16, rate_requests=300, seeds=2, slo_s=10.0)


def summary(rate: float, goodput: float, lag_ms: float = 0.0) -> Summary:
    return Summary(
        offered_rate=rate,
        seed=0,
        requests=10,
        images=10,
        refused=0,
        failed=0,
        seconds=10.0,
        images_per_s=goodput,
        goodput=goodput,
        attainment=1.0,
        p50_s=1.0,
        p90_s=1.0,
        p99_s=None,
        max_s=1.0,
        refused_p90_s=None,
        megapixel_steps_per_s=None,
        skipped_blocks=0.5,
        lag_p99_ms=lag_ms,
    )


def standing(name: str, *runs: Summary, aim: Aim | None = None) -> Standing:
    contender = Contender(name, ["true"], "/")
    measured = Measured(skipped=0.5, images_per_s=2.0, fidelity=Fidelity(30.0, 0.9, 0.1))
    return Standing(contender, aim, None, measured, list(runs))


def test_every_request_of_the_peers_mix_is_understood() -> None:
    for order in mixed_orders(with_factor(load_mix("peers"), 2.0), 50, seed=0):
        wanted = parse_wanted(order.body)
        assert wanted.threshold == pytest.approx(2.0 * order.body["tau1"])
        assert (wanted.width, wanted.height) == (128, 128)


def test_an_uncached_request_has_no_threshold_and_batches_apart() -> None:
    body = dict(mixed_orders(load_mix("peers"), 1, seed=0)[0].body)
    cached, uncached = parse_wanted(body), parse_wanted({**body, "cache": "off"})
    assert uncached.threshold is None
    assert cached.batch_key != uncached.batch_key


def test_a_request_beyond_the_bound_is_refused_at_once_and_the_others_are_answered() -> None:
    async def run() -> list[int]:
        gate = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await gate.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

        transport = httpx.ASGITransport(BoundedQueue(app, most=2))
        async with httpx.AsyncClient(transport=transport, base_url="http://peer") as client:
            waiting = [asyncio.create_task(client.post("/")) for _ in range(2)]
            await asyncio.sleep(0)
            refused = await client.post("/")
            gate.set()
            answers = [await each for each in waiting]
            again = await client.post("/")
        assert refused.headers["retry-after"] and refused.json()["error"]["message"]
        return [refused.status_code, *(answer.status_code for answer in answers), again.status_code]

    assert asyncio.run(run()) == [429, 200, 200, 200]


async def found(measured_at: Callable[[float], Awaitable[float]], wanted: float, aim: Aim) -> float:
    return await matching_factor(measured_at, wanted, EFFORT.tolerance(aim), rises=aim.rises, name=aim.value)


@given(st.floats(0.2, 0.9), st.floats(0.2, 2))
def test_a_factor_is_found_wherever_skipping_rises_with_it(wanted: float, scale: float) -> None:
    async def skipped_at(factor: float) -> float:
        return factor / (factor + scale * (1 - wanted) / wanted)

    async def run() -> float:
        return await skipped_at(await found(skipped_at, wanted, Aim.SKIPPED))

    assert asyncio.run(run()) == pytest.approx(wanted, abs=0.0151)


@given(st.floats(22, 50), st.floats(0.2, 5))
def test_a_factor_is_found_where_the_images_are_as_good(wanted: float, factor_there: float) -> None:
    async def psnr_at(factor: float) -> float:
        return wanted - 9 * math.log(factor / factor_there)

    async def run() -> float:
        return await psnr_at(await found(psnr_at, wanted, Aim.PSNR))

    assert asyncio.run(run()) == pytest.approx(wanted, abs=0.51)


def test_a_peer_that_cannot_skip_so_much_is_not_compared() -> None:
    async def never(factor: float) -> float:
        return 0.1

    with pytest.raises(LoadTestError, match=r"equal skipping is 0\.100"):
        asyncio.run(found(never, 0.6, Aim.SKIPPED))


def test_the_peak_is_the_best_mean_over_seeds_of_valid_runs() -> None:
    runs = [
        summary(1.0, 1.0),
        summary(1.0, 0.8),
        summary(2.0, 1.6),
        summary(2.0, 0.6),
        summary(3.0, 9.0, lag_ms=50),
    ]
    assert peak_goodput(runs) == (1.1, 2.0)
    with pytest.raises(LoadTestError, match="no run is valid"):
        peak_goodput(runs[-1:])


def test_the_table_says_how_many_times_ours_is() -> None:
    peer = standing("one-lock", summary(2.0, 1.5), aim=Aim.PSNR)
    text = table([standing("h2serve", summary(4.0, 3.0)), peer])
    assert text.splitlines()[2].endswith("| 3 | 4 |  |")
    assert text.splitlines()[3].startswith("| one-lock, equal PSNR |")
    assert text.splitlines()[3].endswith("| 1.5 | 2 | 2.00 x |")


def test_batch_size_and_wait_are_each_tuned_over_three_values() -> None:
    tried = knobs(parser().parse_args([]))
    assert {size for size, _ in tried} == {"4", "8", "16"}
    assert {wait for _, wait in tried} == {"0.01", "0.05", "0.2"}
    assert len(tried) == len(set(tried)) == 5


@pytest.mark.parametrize("said", ["", "1,x", "0", "nan", "1,-2"])
def test_multiples_that_are_no_rates_are_refused(said: str) -> None:
    assert multiples("0.5,1") == (0.5, 1.0)
    with pytest.raises(LoadTestError, match="allowed are numbers above 0"):
        multiples(said)


@pytest.mark.parametrize("flag", ["--share-within", "--psnr-within", "--slo"])
@pytest.mark.parametrize("said", ["0", "-0.1", "nan", "inf", "x"])
def test_a_number_that_has_to_be_positive_number_is_refused_where_it_is_not(
    flag: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([f"{flag}={said}"])
    assert f"argument {flag}: invalid" in capsys.readouterr().err


def test_the_fastest_under_its_knobs_takes_part() -> None:
    slow, quick = (standing(name).contender for name in ("slow", "quick"))
    assert fastest([Trial(slow, 1.0), Trial(quick, 2.0)]) == quick


def test_a_model_s_folder_may_be_anywhere(tmp_path: Path) -> None:
    for named, wanted in ((str(tmp_path), tmp_path), ("nano/flux-nano", Path.cwd() / "nano" / "flux-nano")):
        command = our_contender(parser().parse_args(["--model", named]), "16").command
        assert command[command.index("--max-batch") + 1] == "16"
        assert command[command.index("--model") + 1] == str(wanted)


def test_a_contender_that_cannot_start_is_said_to_have_ended(tmp_path: Path) -> None:
    broken = Contender("broken", [sys.executable, "-c", "raise SystemExit(3)"], "/")
    with pytest.raises(LoadTestError, match="broken ended with 3"), serving(broken, str(tmp_path / "log")):
        raise AssertionError("never here")


def test_a_paused_server_answers_nothing_until_it_is_resumed_and_can_be_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LITTLE]
    with serving(Contender("little", command, "/"), str(tmp_path / "log")) as server:
        server.pause()
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(server.url, timeout=0.5, trust_env=False)
        server.resume()
        assert httpx.get(server.url, timeout=60, trust_env=False).status_code == 200
        server.pause()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, timeout=5, trust_env=False)
