"""One transformer for all tests of a module; what is too small for threads has one."""

from collections.abc import Iterator

import pytest
import torch
from diffusers import FluxTransformer2DModel

from tests.drop_in.pipes import Parts, lively_transformer


@pytest.fixture(scope="package", autouse=True)
def one_torch_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def parts() -> Parts:
    """Everything of a pipeline but its transformer and scheduler."""
    return Parts.tiny()


@pytest.fixture
def transformer() -> FluxTransformer2DModel:
    """The same weights in each test."""
    return lively_transformer()
