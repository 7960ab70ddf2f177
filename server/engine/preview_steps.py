"""After which steps a sample shows a preview: pure rules on numbers."""


def preview_steps(num_steps: int, count: int) -> tuple[int, ...]:
    """``count`` steps of 1 to ``num_steps`` - 1 in even distances; all of these where there are not more."""
    count = min(count, num_steps - 1)
    return tuple(number * num_steps // (count + 1) for number in range(1, count + 1))


def number_of(step: int, num_steps: int, count: int) -> int | None:
    """The number, from 0, of the preview that is due after ``step``; None when there is none."""
    steps = preview_steps(num_steps, count)
    return steps.index(step) if step in steps else None
