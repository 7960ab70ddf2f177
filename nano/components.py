"""Connected parts of a mask, without an image library."""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def components(mask: Mask, smallest: float) -> list[Mask]:
    """The 4-connected parts of H W with at least `smallest` pixels, the largest first."""
    labels = _labels(mask)
    numbers, areas = np.unique(labels[mask], return_counts=True)
    order = np.argsort(-areas)
    return [labels == numbers[i] for i in order if areas[i] >= smallest]


def _labels(mask: Mask) -> npt.NDArray[np.int64]:
    """Each pixel of a part gets the part's largest pixel index; 0 outside the mask."""
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        padded = np.pad(labels, 1)
        spread = labels.copy()
        for near in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
            np.maximum(spread, near, out=spread)
        spread = np.where(mask, spread, 0)
        spread = np.where(mask, spread.flat[np.maximum(spread - 1, 0)], 0)
        if np.array_equal(spread, labels):
            return labels
        labels = spread
