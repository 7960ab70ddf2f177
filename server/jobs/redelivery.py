"""What becomes of a job whose worker was lost: again in a batch, then alone, then never again."""

MOST_DEATHS = 3


def runs_alone(deaths: int) -> bool:
    """From the second redelivery on: whatever it kills then, it is the one."""
    return deaths >= MOST_DEATHS - 1


def is_dead(deaths: int, was_alone: bool) -> bool:
    """Three lost workers, and the last of them ran nothing else."""
    return deaths >= MOST_DEATHS and was_alone
