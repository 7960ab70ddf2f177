"""The pure parts: arrivals, mixes, rates, percentiles, summaries, whom to load."""

from io import StringIO
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from load_tests.__main__ import print_tables
from load_tests.arrivals import poisson_times
from load_tests.bench import Findings, Run
from load_tests.errors import LoadTestError
from load_tests.fidelity import HIGHEST_PSNR, Fidelity, mean_fidelity
from load_tests.frontier import Point
from load_tests.mix import SHIPPED, load_mix
from load_tests.orders import mixed_orders, orders_of_pair, timed_orders
from load_tests.outcome import End, Outcome, Reply, Work
from load_tests.percentile import p99, percentile
from load_tests.rates import Rate, parse_rates
from load_tests.reading import read_reply
from load_tests.summary import Summary, summarise
from load_tests.target import checked_url
from tests.load_tests.little_server import png

LABELS = ["0.08, 0.10", "0.12, 0.15", "0.15, 0.22", "0.20, 0.25", "0.25, 0.35"]
IMAGE = Reply(200, b"", Work(25, 100))


def outcome(index: int, due_s: float, ended_s: float, reply: Reply = IMAGE, lag_s: float = 0.0) -> Outcome:
    return Outcome(index, "a", due_s, due_s + lag_s, ended_s, reply, 0.5)


@given(st.integers(1, 200), st.floats(0.01, 100), st.integers(0, 2**31))
def test_arrivals_only_go_forward_and_are_the_same_for_the_same_seed(count: int, rate: float, seed: int) -> None:
    times = poisson_times(count, rate, seed)
    assert times == poisson_times(count, rate, seed) == sorted(times)
    assert len(times) == count and times[0] > 0


def test_gaps_are_exponential_at_the_offered_rate() -> None:
    times = poisson_times(20_000, 4.0, seed=3)
    gaps = [after - before for before, after in zip([0.0, *times], times, strict=False)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.25, rel=0.03)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_every_rate_sees_the_same_bodies_in_the_same_order() -> None:
    mix = load_mix("nano")
    slow, fast = timed_orders(mix, 50, 1.0, seed=5), timed_orders(mix, 50, 9.0, seed=5)
    assert [order.body for order in slow] == [order.body for order in fast]
    assert [order.due_s * 1.0 for order in slow] == pytest.approx([order.due_s * 9.0 for order in fast])
    assert timed_orders(mix, 50, 1.0, seed=6)[0].body != slow[0].body


def test_a_mix_is_drawn_from_all_pairs_sizes_and_steps() -> None:
    orders = mixed_orders(load_mix("nano"), 300, seed=0)
    assert sorted({order.label for order in orders}) == LABELS
    assert {order.body["size"] for order in orders} == {"128x128", "96x96", "160x128"}
    assert {order.body["num_inference_steps"] for order in orders} == {20, 28, 40}
    assert all(order.body["model"] == "flux-nano" for order in orders)


def test_pairs_are_compared_on_the_same_requests() -> None:
    mix = load_mix("nano")
    first, second = (orders_of_pair(mix, pair, 20, seed=0) for pair in mix.pairs[:2])
    assert [{**order.body, "tau1": 0, "tau2": 0} for order in first] == [
        {**order.body, "tau1": 0, "tau2": 0} for order in second
    ]
    assert (first[0].body["tau1"], second[0].body["tau1"]) == (0.08, 0.12)


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.toml")), ids=lambda file: file.stem)
def test_every_shipped_mix_is_readable_under_its_file_s_name(file: Path) -> None:
    assert load_mix(file.stem).name == file.stem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is not TOML"),
        ('name = "a"\nprompts = ["p"]\n[[pair]]\nlabel = "x"', "pair"),
        ('name = "a"\nprompts = []\n[[pairs]]\nlabel = "x"', "prompts"),
        ('name = "a"\nprompts = ["p"]\n[[pairs]]\nlabel = "x"\n[[pairs]]\nlabel = "x"', "same label"),
        ('name = "a"\nprompts = ["p"]\n[[pairs]]\nlabel = "x"\n[[sizes]]\nsize = "big"', "sizes.0.size"),
    ],
)
def test_a_wrong_mix_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mix.toml"
    file.write_text(text)
    with pytest.raises(LoadTestError, match=said):
        load_mix(str(file))


def test_an_unknown_mix_names_the_shipped_ones() -> None:
    with pytest.raises(LoadTestError, match="shipped are any_server, flux1, nano"):
        load_mix("no-such")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000", "https://127.1.2.3"]
)
def test_this_machine_may_be_loaded(url: str) -> None:
    assert checked_url(url, is_own=False) == url.rstrip("/")


@pytest.mark.parametrize("url", ["http://192.168.0.9", "https://example.org", "http://localhost.example.org"])
def test_another_machine_may_be_loaded_by_its_owner_only(url: str) -> None:
    with pytest.raises(LoadTestError, match="--i-own-this-server"):
        checked_url(url, is_own=False)
    assert checked_url(url, is_own=True) == url


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://localhost", "http://", ""])
def test_what_is_no_http_url_is_refused_even_by_the_owner(url: str) -> None:
    with pytest.raises(LoadTestError, match="allowed is http"):
        checked_url(url, is_own=True)


def test_rates_are_numbers_or_multiples_of_the_capacity() -> None:
    assert parse_rates("2, 0.5x") == (Rate(2.0, False), Rate(0.5, True))
    assert [rate.per_s(8.0) for rate in parse_rates("2,0.5x")] == [2.0, 4.0]


@pytest.mark.parametrize("text", ["", "2,", "0", "-1", "x", "2y", "nan", "1e3"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(LoadTestError, match="--rate"):
        parse_rates(text)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_measured_value_that_the_share_is_within(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_the_99th_percentile_is_told_from_1000_requests_on() -> None:
    assert p99([1.0] * 999) is None
    assert p99([float(value) for value in range(1, 1001)]) == 990.0


def test_latency_counts_from_when_a_request_was_due_not_from_when_it_was_sent() -> None:
    late = outcome(0, due_s=1.0, ended_s=4.0, lag_s=2.0)
    assert (late.latency_s, late.lag_s) == (3.0, 2.0)


def test_refused_failed_and_late_requests_are_no_goodput() -> None:
    summary = summarise(
        [
            outcome(0, 0.0, 1.0),
            outcome(1, 1.0, 9.0),
            outcome(2, 2.0, 2.1, Reply(429)),
            outcome(3, 3.0, 10.0, Reply(500, error="broken")),
        ],
        offered_rate=0.4,
        seed=0,
        slo_s=2.0,
    )
    assert (summary.images, summary.refused, summary.failed, summary.requests) == (2, 1, 1, 4)
    assert (summary.goodput, summary.images_per_s, summary.attainment) == (0.1, 0.2, 0.25)
    assert (summary.p50_s, summary.p90_s, summary.max_s) == (1.0, 8.0, 8.0)
    assert summary.refused_p90_s == pytest.approx(0.1)
    assert (summary.skipped_blocks, summary.megapixel_steps_per_s) == (0.75, 0.1)


def test_a_run_whose_generator_was_late_is_invalid() -> None:
    on_time = [outcome(index, index, index + 1.0) for index in range(99)]
    assert summarise([*on_time, outcome(99, 99, 100.0, lag_s=1.0)], 1.0, 0, 10.0).is_valid
    two_late = [outcome(index, index, index + 1.0, lag_s=0.02) for index in (99, 100)]
    assert not summarise([*on_time, *two_late], 1.0, 0, 10.0).is_valid


@pytest.mark.parametrize(
    ("status", "content", "end", "error"),
    [
        (200, {"data": [{"b64_json": "aGk="}]}, End.IMAGE, ""),
        (200, {"data": [{"url": "http://x"}]}, End.FAILED, "no image in the answer"),
        (200, {"data": [{"b64_json": "?"}]}, End.FAILED, "no image in the answer"),
        (200, [], End.FAILED, "no image in the answer"),
        (429, {"error": {"message": "full"}}, End.REFUSED, "full"),
        (422, {"detail": "wrong"}, End.FAILED, "wrong"),
        (500, None, End.FAILED, ""),
    ],
)
def test_an_answer_is_an_image_a_refusal_or_a_failure(status: int, content: object, end: End, error: str) -> None:
    reply = read_reply(httpx.Response(status, json=content))
    assert (reply.end, reply.error) == (end, error)


def test_equal_images_are_as_near_as_can_be_and_others_less() -> None:
    grey, other = png((90, 90, 90)), png((90, 90, 80))
    same, near = mean_fidelity([grey], [grey]), mean_fidelity([grey, grey], [grey, other])
    assert (same.psnr, same.ssim, same.flip) == (HIGHEST_PSNR, 1.0, 0.0)
    assert near.psnr < same.psnr and near.ssim < same.ssim and near.flip > same.flip


def test_images_of_different_sizes_are_not_compared() -> None:
    with pytest.raises(LoadTestError, match="reference"):
        mean_fidelity([png((0, 0, 0))], [png((0, 0, 0), (16, 16))])


def test_the_tables_of_a_terminal_of_80_columns_cut_nothing() -> None:
    latencies, rest = (123.4, 234.5, 345.6, 999.0), (0.25, 12.345, 0.785, 1234.5)
    slow = Summary(12.345, 11, 99999, 99990, 999, 999, 1e4, 12.345, 12.345, 1.0, *latencies, *rest)
    point = Point("0.125, 0.175", 10000, 12.345, 0.785, Fidelity(45.67, 0.9958, 0.0098))
    console = Console(width=80, record=True, file=StringIO())
    print_tables(Findings(None, [Run(slow, [])], [point], {}), console)
    said = console.export_text()
    assert "…" not in said
    for number in ("12.3", "123", "346", "1234.5", "0.125, 0.175", "0.9958", "0.0098"):
        assert number in said
