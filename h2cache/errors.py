"""What the library refuses."""


class H2CacheError(ValueError):
    """A setting, batch or saved state is wrong; the message has the value and what is allowed."""
