"""What the library refuses."""


class H2CacheError(ValueError):
    """A setting, a batch, a model or a saved state is wrong; the message has the value and what is allowed."""
