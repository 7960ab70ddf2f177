"""What makes a test one of the 25 cases of `make faults`."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

LIMIT_S = 240.0
"""No case takes a quarter of it on two cores that do nothing else."""
Test = TypeVar("Test", bound=Callable[..., Any])


def case(short: bool = False) -> Callable[[Test], Test]:
    """Mark a case; those that are ``short`` are part of `make test` too."""

    def marked(test: Test) -> Test:
        test = pytest.mark.fault(test)
        return test if short else pytest.mark.slow(test)

    return marked
