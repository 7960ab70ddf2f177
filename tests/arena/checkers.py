"""A checker with an opinion."""

from h2cache.arena.studio import Image


def likes_cats(prompt: str, image: Image) -> bool | None:
    assert image.shape == (64, 64, 3)
    return True if "cat" in prompt else None
