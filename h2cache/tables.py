"""Tables with an entry a step, made at one number of steps and read at another."""


def nearest(step_index: int, num_steps: int, length: int) -> int:
    """The place that a step falls on in a table of ``length`` entries; halves go to the even place."""
    if num_steps == 1:
        return length - 1
    return round(step_index * (length - 1) / (num_steps - 1))
