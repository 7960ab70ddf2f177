"""Summaries of the image's grid."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from h2cache import H2CacheError
from h2cache.method import Measure
from h2cache.signal import ModulatedInput, ProbeResidual
from h2cache.summaries.grid_average import GridAverage
from h2cache.summaries.low_pass import Disc, Wiener
from h2cache.summaries.whole import Whole
from h2cache.summary import Summary, View

SIDES = st.integers(1, 9)
ON_A_GRID: list[Summary] = [GridAverage(2), GridAverage(3), Wiener(), Disc(0.3)]


def view(rows: int, columns: int, *sigmas: float) -> View:
    return View(torch.tensor(sigmas), (rows, columns), torch.zeros(len(sigmas), rows * columns, 1))


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(SIDES, SIDES, st.integers(1, 4))
def test_averages_are_the_means_of_the_squares(rows: int, columns: int, side: int) -> None:
    signal = drawn(1, 2, rows * columns, 3)
    got = GridAverage(side)(signal, view(rows, columns, 0.5, 0.5))
    image = signal.view(2, rows, columns, 3)
    wanted = [
        image[:, y : y + side, x : x + side].mean((1, 2))
        for y in range(0, rows, side)
        for x in range(0, columns, side)
    ]
    torch.testing.assert_close(got, torch.stack(wanted, 1))
    assert got.shape[1] <= GridAverage(side).shape(rows * columns, 3)[0]


@pytest.mark.parametrize("summary", ON_A_GRID, ids=repr)
@given(rows=SIDES, columns=SIDES)
def test_a_signal_that_is_the_same_everywhere_stays_the_same_in_shape(
    summary: Summary, rows: int, columns: int
) -> None:
    got = summary(torch.ones(1, rows * columns, 2), view(rows, columns, 0.5))
    torch.testing.assert_close(got, got[:, :1].expand_as(got), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("summary", ON_A_GRID, ids=repr)
def test_a_sample_s_summary_is_its_own(summary: Summary) -> None:
    signal, sigmas = drawn(2, 3, 20, 4), (0.9, 0.5, 0.1)
    together = summary(signal, view(4, 5, *sigmas))
    for i, sigma in enumerate(sigmas):
        torch.testing.assert_close(together[i : i + 1], summary(signal[i : i + 1], view(4, 5, sigma)))


def test_the_wiener_filter_lets_more_through_as_the_noise_goes() -> None:
    noise = drawn(3, 1, 256, 8)
    lost = [(Wiener()(noise, view(16, 16, sigma)) - noise).abs().mean() for sigma in (0.99, 0.5, 0.01)]
    assert lost[0] > lost[1] > lost[2]


def test_a_disc_over_all_frequencies_changes_nothing() -> None:
    signal = drawn(4, 2, 30, 3)
    torch.testing.assert_close(Disc(10.0)(signal, view(5, 6, 0.5, 0.5)), signal)


@pytest.mark.parametrize("summary", ON_A_GRID, ids=repr)
@pytest.mark.parametrize("grid", [None, (3, 3)])
def test_without_the_right_grid_it_is_refused(summary: Summary, grid: tuple[int, int] | None) -> None:
    with pytest.raises(H2CacheError, match="rows and columns of 20 image tokens"):
        summary(torch.ones(1, 20, 2), View(torch.ones(1), grid, torch.zeros(1, 20, 1)))


@pytest.mark.parametrize("summary", ON_A_GRID, ids=repr)
def test_text_has_no_place_in_the_grid(summary: Summary) -> None:
    with pytest.raises(H2CacheError, match="text tokens"):
        Measure(ProbeResidual(text=True), summary)
    assert Measure(ModulatedInput(), summary).summary == summary
    assert Measure(ProbeResidual(text=True), Whole()).summary == Whole()
