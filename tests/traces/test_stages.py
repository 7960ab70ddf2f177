"""An image's stages as spans."""

from server.request import CacheCounts, Timings
from server.traces.stages import stages_of

COUNTS = CacheCounts(28, 10, 6, 12, blocks_run=200, blocks_total=420, flops_ratio=0.5)
TIMINGS = Timings(queue_ms=100.0, encode_ms=10.0, denoise_ms=1500.0, decode_ms=90.0, total_ms=1700.0)


def test_stages_follow_each_other_without_a_gap_and_end_when_the_image_was_done() -> None:
    stages = stages_of(1, TIMINGS, COUNTS, end_ns=2_000_000_000)
    assert [stage.name for stage in stages] == ["queue", "encode", "denoise", "decode"]
    assert [stage.end_ns - stage.begin_ns for stage in stages] == [10**8, 10**7, 15 * 10**8, 9 * 10**7]
    assert [stage.end_ns for stage in stages[:-1]] == [stage.begin_ns for stage in stages[1:]]
    assert (stages[0].begin_ns, stages[-1].end_ns) == (300_000_000, 2_000_000_000)


def test_denoising_says_how_its_steps_came_out() -> None:
    queue, _, denoise, _ = stages_of(1, TIMINGS, COUNTS, end_ns=2_000_000_000)
    assert denoise.attributes["h2serve.structure_hits"] == 12
    assert denoise.attributes["h2serve.image"] == queue.attributes["h2serve.image"] == 1
    assert "h2serve.full" not in queue.attributes
