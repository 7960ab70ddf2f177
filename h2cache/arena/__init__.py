"""The arena: every method on the same prompts and seeds, ranked by fidelity at equal work.

    python -m h2cache.arena --model flux-nano --prompts FILE --seeds 2 --steps 28,50 --out DIR

A leaf: nothing imports it.
"""
