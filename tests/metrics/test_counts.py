"""What the two sides count."""

from prometheus_client import CollectorRegistry

from server.engine.interface import BatchStepped, EngineMemory, TextEncoded
from server.jobs.status import PriorityDepth, QueueDepth
from server.metrics.api import ApiMetrics
from server.metrics.registry import render
from server.metrics.worker import WorkerMetrics, batch_label
from tests.metrics.sides import OFF, RULE, TIMINGS, Sides, pair, row

FAST = pair(0.25, 0.35, "fast")
FAST_LABELS = {"preset": "fast", "tau1": "0.25", "tau2": "0.35"}


def test_steps_and_blocks_are_counted_by_preset_thresholds_and_outcome() -> None:
    sides = Sides()
    rows = (row(FAST), row(FAST, "structure_hit"), row(FAST, "structure_hit"), row(OFF))
    sides.worker.engine_said(BatchStepped(4, 0.5, rows))
    assert sides.value("h2serve_steps_total", **FAST_LABELS, outcome="full") == 1
    assert sides.value("h2serve_steps_total", **FAST_LABELS, outcome="structure_hit") == 2
    assert sides.value("h2serve_steps_total", preset="off", tau1="none", tau2="none", outcome="full") == 1
    assert sides.value("h2serve_blocks_total", **FAST_LABELS, kind="run") == 57 + 2 + 2
    assert sides.value("h2serve_blocks_total", **FAST_LABELS, kind="skipped") == 55 + 55
    spent = sides.value("h2serve_step_equivalents_total", **FAST_LABELS)
    assert spent is not None and abs(spent - 61 / 57) < 1e-12


def test_a_batch_is_counted_once_under_its_size_rounded_up() -> None:
    sides = Sides()
    sides.worker.engine_said(BatchStepped(3, 0.015, (row(OFF), row(OFF), row(FAST, "detail_hit"))))
    sides.worker.engine_said(BatchStepped(4, 0.5, (row(OFF),) * 4))
    assert (sides.value("h2serve_batch_size_count"), sides.value("h2serve_batch_size_sum")) == (2, 7)
    assert sides.value("h2serve_step_seconds_sum", batch="4") == 0.515
    assert sides.value("h2serve_step_samples_total", batch="4") == 7
    assert sides.value("h2serve_samples_stepped_total", batch="4") == 7
    assert sides.value("h2serve_stage_rows_sum", stage="structure") == 7
    assert sides.value("h2serve_stage_rows_sum", stage="detail") == 6


def test_samples_that_wait_are_of_the_batch_and_have_not_stepped() -> None:
    sides = Sides()
    sides.worker.engine_said(BatchStepped(8, 0.01, (row(FAST, "structure_hit"),) * 3, waiting=5))
    assert sides.value("h2serve_batch_size_sum") == 8
    assert sides.value("h2serve_step_samples_total", batch="8") == 8
    assert sides.value("h2serve_samples_stepped_total", batch="8") == 3


def test_batch_labels_are_powers_of_two_up_to_64() -> None:
    assert [batch_label(size) for size in (1, 2, 3, 5, 8, 9, 64, 65, 1000)] == (
        ["1", "2", "4", "8", "8", "16", "64", "64", "64"]
    )


def test_memory_is_that_of_the_last_step_and_the_device_s_where_there_is_one() -> None:
    sides = Sides()
    sides.worker.engine_said(BatchStepped(1, 0.1, (row(OFF),), EngineMemory(10, 100)))
    sides.worker.engine_said(BatchStepped(1, 0.1, (row(OFF),), EngineMemory(20, 100)))
    assert sides.value("h2serve_memory_bytes", kind="samples") == 20
    assert sides.value("h2serve_memory_bytes", kind="budget") == 100
    assert sides.value("h2serve_memory_bytes", kind="device") is None
    sides.worker.engine_said(BatchStepped(1, 0.1, (row(OFF),), EngineMemory(20, 100, device_bytes=300)))
    assert sides.value("h2serve_memory_bytes", kind="device") == 300


def test_prompts_are_counted_by_where_their_embedding_came_from() -> None:
    sides = Sides()
    for was_known in (False, True, True):
        sides.worker.engine_said(TextEncoded(was_known))
    assert sides.value("h2serve_text_encodings_total", source="model") == 1
    assert sides.value("h2serve_text_encodings_total", source="cache") == 2


def test_a_generation_s_latency_is_split_by_stage_and_by_pair() -> None:
    sides = Sides()
    sides.api.generation_done(FAST, TIMINGS)
    assert sides.value("h2serve_generation_seconds_sum", preset="fast") == 1.7
    stages = ("queue", "encode", "denoise", "decode")
    sums = [sides.value("h2serve_generation_stage_seconds_sum", preset="fast", stage=stage) for stage in stages]
    assert sums == [0.1, 0.01, 1.5, 0.09]
    assert sides.value("h2serve_pair_request_seconds_bucket", tau1="0.25", tau2="0.35", le="1.0") == 0
    assert sides.value("h2serve_pair_request_seconds_bucket", tau1="0.25", tau2="0.35", le="2.5") == 1


def test_only_what_falls_into_a_cell_counts_as_overflow() -> None:
    sides = Sides()
    for choice in (FAST, OFF, pair(0.3, 0.3), pair(0.31, 0.3)):
        sides.api.generation_done(choice, TIMINGS)
    assert sides.value("h2serve_label_overflow_total") == 1


def test_a_refusal_s_reason_is_one_of_a_few() -> None:
    sides = Sides()
    for reason in ("queue_full", "rate_limited", "somebody's own words"):
        sides.api.refused(reason)
    assert sides.value("h2serve_refusals_total", reason="queue_full") == 1
    assert sides.value("h2serve_refusals_total", reason="other") == 1
    assert "own words" not in sides.text()


def test_the_queue_s_depth_is_what_it_was_last_said_to_be() -> None:
    sides = Sides()
    sides.api.queue_is(QueueDepth(5, 3, 2, (PriorityDepth(10, 2, 1500), PriorityDepth(-1, 3, 90_000))))
    assert sides.value("h2serve_queue_oldest_age_seconds", priority="-1") == 90
    sides.api.queue_is(QueueDepth(2, 4, 1, (PriorityDepth(10, 2, 2500),)))
    assert sides.value("h2serve_queue_images_waiting") == 2
    assert sides.value("h2serve_queue_images_running") == 4
    assert [sides.value("h2serve_queue_depth", priority=name) for name in ("10", "0", "-1")] == [2, 0, 0]
    ages = [sides.value("h2serve_queue_oldest_age_seconds", priority=name) for name in ("10", "0", "-1")]
    assert ages == [2.5, 0, 0]


def test_redis_is_told_of_only_where_there_is_one() -> None:
    sides = Sides()
    assert "h2serve_redis_writable{" not in sides.text()
    sides.api.redis_is("queue", False)
    assert sides.value("h2serve_redis_writable", store="queue") == 0


def test_apart_a_worker_tells_nothing_of_requests_and_an_api_nothing_of_steps() -> None:
    of_worker, of_api = CollectorRegistry(), CollectorRegistry()
    WorkerMetrics(of_worker, RULE)
    ApiMetrics(of_api, RULE)
    worker, api = render(of_worker).decode(), render(of_api).decode()
    names = {text: {line.split()[2] for line in text.splitlines() if line[0] == "#"} for text in (worker, api)}
    assert not names[worker] & names[api]
    assert "h2serve_steps_total" in names[worker] and "h2serve_requests_total" in names[api]


def test_ends_and_refusals_are_there_at_0_before_the_first() -> None:
    sides = Sides()
    assert sides.value("h2serve_jobs_total", state="dead") == 0
    assert sides.value("h2serve_refusals_total", reason="queue_full") == 0
    assert [sides.value("h2serve_images_total", end=end) for end in ("finished", "failed", "dropped")] == [0, 0, 0]
    assert [sides.value("h2serve_resumes_total", kind=kind) for kind in ("full", "latents")] == [0, 0]


def test_two_servers_in_one_process_do_not_share_numbers() -> None:
    one, other = Sides(), Sides()
    one.worker.image_ended("finished")
    assert 'h2serve_images_total{end="finished"} 1.0' in one.text()
    assert 'h2serve_images_total{end="finished"} 0.0' in other.text()
