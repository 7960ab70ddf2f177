"""What Prometheus reads."""

from prometheus_client import CollectorRegistry

from server.metrics import Metrics

ROUTE = "/v1/images/generations"


def test_requests_are_counted_by_route_and_code() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for code in (200, 200, 429):
        metrics.request_done(ROUTE, code, 0.3)
    value = registry.get_sample_value
    assert value("h2serve_requests_total", {"route": ROUTE, "code": "200"}) == 2
    assert value("h2serve_requests_total", {"route": ROUTE, "code": "429"}) == 1
    assert value("h2serve_request_seconds_count", {"route": ROUTE}) == 3
    assert value("h2serve_request_seconds_bucket", {"route": ROUTE, "le": "0.25"}) == 0
    assert value("h2serve_request_seconds_bucket", {"route": ROUTE, "le": "0.5"}) == 3


def test_a_step_is_counted_once_a_batch_and_its_outcomes_once_a_sample() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.batch_stepped(3, 0.015, ("full", "full", "detail_hit"))
    metrics.batch_stepped(1, 0.5, ("structure_hit",))
    value = registry.get_sample_value
    assert (value("h2serve_batch_size_count"), value("h2serve_batch_size_sum")) == (2, 4)
    assert value("h2serve_step_seconds_sum") == 0.515
    outcomes = ("full", "detail_hit", "structure_hit")
    assert [value("h2serve_steps_total", {"outcome": outcome}) for outcome in outcomes] == [2, 1, 1]


def test_the_queue_s_depth_is_what_it_was_last_said_to_be() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.queue_is(5, 3)
    metrics.queue_is(2, 4)
    assert registry.get_sample_value("h2serve_queue_images_waiting") == 2
    assert registry.get_sample_value("h2serve_queue_images_running") == 4


def test_two_servers_in_one_process_do_not_share_numbers() -> None:
    one, other = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.image_ended("finished")
    assert b'h2serve_images_total{end="finished"} 1.0' in one.render()
    assert b'end="finished"' not in other.render()
