"""Where image tokens lie, read off a pipeline's position ids."""

from torch import Tensor


def grid_of_ids(img_ids: Tensor) -> tuple[int, int] | None:
    """Rows and columns of image tokens from their positions (T, A), None where they are no full grid.

    Axes 1 and 2 are row and column in FLUX.1 and its successors; in FLUX.3 they count in halves.
    NOTE: the host waits for the device here; it is asked once a call, and only for methods that look at the
    image's shape.
    """
    rows, columns = (len(axis.unique()) for axis in (img_ids[:, 1], img_ids[:, 2]))
    return (rows, columns) if rows * columns == len(img_ids) else None
