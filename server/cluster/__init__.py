"""The composition root's other half: API processes and worker processes that meet in Redis."""
