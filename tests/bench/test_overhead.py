"""The settings that the cache's own cost is measured with."""

from h2cache import method
from server.bench.overhead import default_pairs


def test_the_default_method_is_measured_as_it_is_alone_and_with_eight_pairs_in_a_batch() -> None:
    assert default_pairs(1) == [method("default", {})]
    assert len({str(each) for each in default_pairs(8)}) == 8
