"""A job under way: what was given to the engine, and what has come back."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from server.engine.interface import SampleOrder, SampleStepped
from server.jobs.event import PartialImage, StepCounts
from server.jobs.lease import Checkpoint, Lease, Progress
from server.orders import order_of
from server.request import ImageResult, JobResult, Resumed


@dataclass
class Running:
    """Owned by the worker, changed on its event loop only.

    ``num_steps`` are each image's. By the images' indices: ``steps`` done, ``images`` made, ``resumed`` where a
    checkpoint was taken up, ``taken_up`` the checkpoints' bytes. ``unsent`` are checkpoints and ``unshown``
    previews that the queue has not been told of; ``showing`` keeps these in order, and before their image.
    ``saving`` keeps a checkpoint from being stored after the job's were deleted.
    ``files`` are the request's input images by their keys, None until they are there.
    """

    lease: Lease
    taken_s: float
    files: Mapping[str, bytes] | None = None
    taken_up: dict[int, bytes] = field(default_factory=dict)
    submitted: int = 0
    num_steps: int = 0
    steps: dict[int, int] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    images: dict[int, ImageResult] = field(default_factory=dict)
    resumed: dict[int, Resumed] = field(default_factory=dict)
    unsent: list[Checkpoint] = field(default_factory=list)
    unshown: list[PartialImage] = field(default_factory=list)
    showing: asyncio.Lock = field(default_factory=asyncio.Lock)
    saving: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_ending: bool = False

    @property
    def id(self) -> str:
        """The job's."""
        return self.lease.job.id

    @property
    def num_images(self) -> int:
        """Images that the request asks for."""
        return self.lease.job.request.num_images

    def sample_id(self, index: int) -> str:
        """What the engine calls image ``index``.

        With the lease's token in it: when this worker takes a job again that it had lost, late words on the
        samples of the lost lease are not taken for words on the new ones.
        """
        return f"{self.id}:{index}:{self.lease.token}"

    @property
    def pixels(self) -> int:
        """Of each image."""
        return self.lease.job.request.width * self.lease.job.request.height

    @property
    def pixels_to_come(self) -> int:
        """Of all images that the engine was not given yet."""
        return self.pixels * (self.num_images - self.submitted)

    @property
    def unfinished(self) -> Iterator[int]:
        """Images that were given to the engine and are not made yet."""
        return (index for index in range(self.submitted) if index not in self.images)

    def orders(self, count: int) -> list[SampleOrder]:
        """The next ``count`` samples; image k has seed + k."""
        request = self.lease.job.request
        files = {} if request.inputs is None else self.files
        if files is None:
            return []
        first = self.submitted
        self.submitted = min(self.num_images, first + count)
        return [
            order_of(self.sample_id(index), request, index, files, self.taken_up.pop(index, None))
            for index in range(first, self.submitted)
        ]

    def stepped(self, index: int, event: SampleStepped) -> None:
        """Count a step."""
        self.steps[index], self.num_steps = event.step, event.num_steps
        self.outcomes.update(event.outcomes)

    @property
    def steps_left(self) -> int:
        """Of the image that has most of them."""
        return max((self._steps_each - self.steps.get(index, 0) for index in range(self.num_images)), default=0)

    @property
    def _steps_each(self) -> int:
        """As the engine counts them, which starts later on an image that is given; before that as asked for."""
        return self.num_steps or self.lease.job.request.steps

    def progress(self) -> list[Progress]:
        """All steps so far as one report, and one more for each further checkpoint or preview."""
        step, num_steps = sum(self.steps.values()), self._steps_each * self.num_images
        counts = StepCounts(self.outcomes["full"], self.outcomes["detail_hit"], self.outcomes["structure_hit"])
        report = Progress(self.lease, step, num_steps, counts)
        saved = [replace(report, checkpoint=checkpoint) for checkpoint in self.unsent]
        shown = [replace(report, partial=partial) for partial in self.unshown]
        return [*saved, *shown] or [report]

    def result(self) -> JobResult:
        """All images, in order."""
        return JobResult(tuple(self.images[index] for index in sorted(self.images)))
