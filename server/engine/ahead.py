"""Who goes ahead: steps that run no block come first, so that those that compute do so in one wide batch.

A sample's own steps stay in order, so that its image is the same. Each sample of a batch computes once a round,
whatever it reuses in between: what is shared out evenly is the computing, not the steps.
"""

from collections.abc import Sequence
from itertools import islice

from h2cache import foresee
from server.engine.sample import Sample


def first_of(batch: Sequence[Sample]) -> list[Sample]:
    """Those of a batch that step now: who reuses, or when nobody does any more, all."""
    _look_ahead(batch)
    return [sample for sample in batch if sample.is_ahead] or list(batch)


def _look_ahead(samples: Sequence[Sample]) -> None:
    """Find out of each sample whether its next step runs no block in any of its rows.

    The host waits for the device, once after each computed step. It pays: who computes then computes together, and
    a row of a wide batch is cheaper than a row of a narrow one.
    """
    asked = [sample for sample in samples if sample.is_ahead is None]
    rows = [(cache, sample.sigma) for sample in asked for cache in sample.caches]
    foreseen = iter(foresee([cache for cache, _ in rows], [sigma for _, sigma in rows]))
    for sample in asked:
        sample.is_ahead = all(list(islice(foreseen, len(sample.caches))))
