"""What stops a load test before or while it runs."""


class LoadTestError(Exception):
    """One line for the person at the terminal."""
