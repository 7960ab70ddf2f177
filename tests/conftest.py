"""Of all tests."""

import gc

from hypothesis import settings

# Imports make no garbage, and looking for it among all that they make takes its time.
gc.disable()

# A deadline for each example would be a time limit, which a busy machine breaks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """What there is after collection stays to the end: the garbage collector need not see it again."""
    gc.freeze()
    gc.enable()
