"""What the benchmarks count and compare is what they say."""

import math
import queue
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from server.bench.engine_run import running_engine
from server.bench.presets import mean_psnr
from server.bench.requests import mixed_orders
from server.bench.throughput import IN_FLIGHT, BlockCounter, NotComparable, closed_loop, generate, matching_factor
from server.engine.fake import InstantEngine
from server.engine.interface import EngineEvent, SampleFinished, SampleOrder
from server.engine.loader import load_model
from server.errors import ServerError
from server.fidelity import psnr
from server.profile import load_profile
from server.request import CacheChoice
from tests.tiny_flux import TEXT_LENGTH, save_tiny_flux

PROFILE = load_profile("flux-nano").model_copy(
    update={"default_width": 64, "default_height": 64, "text_length": TEXT_LENGTH}
)


def png(value: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.full((4, 4, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_psnr_is_the_formula_s_and_equal_images_count_as_sixty() -> None:
    assert psnr(png(100), png(110)) == pytest.approx(20 * math.log10(255 / 10))
    assert psnr(png(7), png(7)) == math.inf
    assert mean_psnr([(png(7), png(7)), (png(0), png(255))]) == pytest.approx(30)


def test_a_seed_draws_the_same_orders_and_another_seed_others() -> None:
    one, again, other = (mixed_orders(PROFILE, 20, seed) for seed in (1, 1, 2))
    assert one == again
    assert [order.prompt for order in one] != [order.prompt for order in other]
    assert {20 <= order.steps <= 40 for order in one} == {True}


def test_a_closed_loop_answers_every_order_and_never_has_more_in_flight() -> None:
    ended: queue.SimpleQueue[SampleFinished] = queue.SimpleQueue()
    engine, in_flight, most = InstantEngine(max_batch=4), 0, 0

    def listen(event: EngineEvent) -> None:
        if isinstance(event, SampleFinished):
            ended.put(event)

    def next_end() -> SampleFinished:
        nonlocal in_flight
        end = ended.get(timeout=20)
        in_flight -= 1
        return end

    def submit(order: SampleOrder) -> None:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        engine.submit(order)

    engine.start(listen, lambda step: None)
    run = closed_loop(mixed_orders(PROFILE, 40, 1), submit, next_end)
    engine.stop(5.0)
    assert (in_flight, most) == (0, IN_FLIGHT)
    assert 0 < run.skipped < 1


def test_the_counter_counts_the_blocks_that_first_block_caching_runs(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    model = load_model(str(save_tiny_flux(tmp_path_factory.mktemp("bench") / "flux")), device="cpu")
    (order,) = mixed_orders(PROFILE, 1, 1)
    order = replace(order, steps=4, cache=CacheChoice("custom", 1e9, 1e9, method="paper"))
    counter = BlockCounter(model)
    image = generate(model, PROFILE, order, factor=1.0)
    assert Image.open(BytesIO(image)).size == (64, 64)
    assert counter.blocks == counter.blocks_a_step + 3
    counter.close()


def test_a_sample_that_ends_without_an_image_stops_the_benchmark(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    model = load_model(str(save_tiny_flux(tmp_path_factory.mktemp("bench") / "flux")), device="cpu")
    (order,) = mixed_orders(PROFILE, 1, 1)
    with running_engine(model, PROFILE) as (engine, next_end):
        engine.submit(order)
        assert next_end().sample_id == order.sample_id
        engine.submit(replace(order, steps=100_000))
        engine.cancel(order.sample_id)
        with pytest.raises(ServerError, match="ended without an image"):
            next_end()


def test_a_share_that_the_baseline_cannot_reach_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = load_model(str(save_tiny_flux(tmp_path_factory.mktemp("bench") / "flux")), device="cpu")
    orders = [replace(order, steps=1) for order in mixed_orders(PROFILE, 18, 1)]
    with pytest.raises(NotComparable, match=r"wanted is 0\.900 within 2 %"):
        matching_factor(model, PROFILE, orders, 0.9, most_tries=2)
