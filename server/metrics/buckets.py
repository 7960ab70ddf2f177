"""Upper bounds of the histograms' buckets, in seconds or in counts; ``+Inf`` comes on top."""

STEP_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
REQUEST_S = (0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300)
"""Where latency is kept in full: by preset and by route."""
PAIR_S = (0.25, 0.5, 1, 2.5, 5, 15, 60)
"""Where it is kept by pair: eight buckets with ``+Inf``, because there may be many pairs."""
BATCH = (1, 2, 3, 4, 6, 8, 12, 16, 32)
ATTEMPTS = (1, 2, 3)
