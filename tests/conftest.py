"""Of all tests."""

from hypothesis import settings

# A deadline for each example would be a time limit, which a busy machine breaks.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
