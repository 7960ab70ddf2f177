"""flux-nano's images from runs that nothing disturbed, to hold those of other runs against."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from tests.cluster.processes import cluster
from tests.faults.run import Run
from tests.redis_server import redis_server

NANO: dict[str, Any] = {
    "prompt": "a large red heart at the left on a blue background",
    "num_inference_steps": 100,
    "cache": None,
    "size": "128x128",
}
"""Long enough to be struck on its way, under the model's default cache: what is resumed has a history."""
MOST = 12


class NanoImages:
    """By seed, from 0."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self._pixels = [pixels_of(file) for file in files]

    def assert_same(self, files: Sequence[bytes]) -> None:
        """The images of the seeds 0, 1, ... differ from the undisturbed by one of 255 at most."""
        assert len(set(files)) == len(files), "each seed has an image of its own"
        for seed, file in enumerate(files):
            difference = int(np.abs(pixels_of(file) - self._pixels[seed]).max())
            assert difference <= 1, f"the image of seed {seed} differs by {difference}"


def pixels_of(file: bytes) -> "np.ndarray[Any, np.dtype[np.int16]]":
    """H x W x 3, wide enough for differences."""
    return np.asarray(Image.open(BytesIO(file)).convert("RGB")).astype(np.int16)


def undisturbed_images() -> NanoImages:
    with redis_server() as redis, cluster(redis.url) as processes:
        _, client = processes.api()
        with client:
            processes.real_workers(1)
            run = Run(client, redis.url)
            run.until_ready()
            jobs = run.submit_many(MOST, **NANO)
            assert run.ends(jobs) == ["finished"] * MOST
            return NanoImages([run.image_of(job_id) for job_id in jobs])
