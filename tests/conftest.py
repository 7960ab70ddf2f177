"""Of all tests."""

import gc

from hypothesis import settings

# A deadline for each example would be a time limit, which a busy machine breaks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """What there is after collection stays to the end: the garbage collector need not see it again."""
    gc.collect()
    gc.freeze()
