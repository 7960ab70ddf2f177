"""Exact figures of the threshold pairs that are asked for most: what ``GET /v1/stats/thresholds`` answers."""
