"""How many of the steps an image to start from leaves to do: a pure rule."""


def first_step(steps: int, strength: float | None) -> int:
    """The step that the schedule is entered at: as in FluxImg2ImgPipeline, but the last at most."""
    if strength is None:
        return 0
    return min(int(max(steps - steps * strength, 0)), steps - 1)
