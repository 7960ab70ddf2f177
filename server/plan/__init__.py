"""How many workers a rate of requests needs: a small simulation of the queue and of step-level batching."""
