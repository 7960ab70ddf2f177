"""The nouns of one request: what was asked for, and what came of it.

Standard library only, so that the API process, the queue and the worker share them without torch.
"""

from dataclasses import dataclass
from enum import StrEnum


class OutputFormat(StrEnum):
    """The image formats that the server writes."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"


class ImageInput(StrEnum):
    """How a model takes an input image: as a start under noise, as a reference, or with a hole to fill."""

    START = "start"
    REFERENCE = "reference"
    FILL = "fill"


TWO_THRESHOLDS = ("default", "paper")
"""Methods whose knobs are ``tau1`` and ``tau2``: ours, and H2-Cache as published."""
PAPER_PAIR = (0.15, 0.22)
"""tau1 and tau2 of H2-Cache as published (arXiv 2510.27171)."""
ParameterValue = float | int | bool | str | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CacheChoice:
    """The resolved cache rule of one request: a preset, or numbers, or another method, or off.

    ``tau1``, ``tau2`` and the bounds after them are those of the methods of two thresholds. ``off`` and all other
    methods have None there; these have ``parameters``, names and values, or, put together by parts, ``parts``, a
    JSON object. ``preset`` is the name shown to the client: ``off``, a preset's name, ``fast+`` for a preset with
    overrides, ``custom`` for a bare object.
    """

    preset: str
    tau1: float | None
    tau2: float | None
    warmup: int = 0
    max_consecutive: int | None = None
    last_full: bool = False
    method: str = "default"
    parameters: tuple[tuple[str, ParameterValue], ...] = ()
    parts: str | None = None

    @property
    def is_off(self) -> bool:
        """True when every step computes every block."""
        return self.method == "off"


@dataclass(frozen=True, slots=True)
class InputKeys:
    """Where a request's input images are in the results store: PNG files of the request's size.

    ``mask`` is gray, 255 where the image is redrawn. ``strength`` is how much noise the first image starts under;
    None where the model takes them as references alone.
    """

    images: tuple[str, ...]
    mask: str | None = None
    strength: float | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """Every key."""
        return self.images if self.mask is None else (*self.images, self.mask)


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One checked and completed request for ``num_images`` pictures of one prompt.

    ``width`` and ``height`` are in pixels. Image k of the request uses seed ``seed + k``. With a ``true_cfg``
    above 1 it is guided away from ``negative_prompt``. ``text_length`` is in tokens, None the model's own.
    ``partial_images`` previews are shown of each.
    """

    prompt: str
    model: str
    num_images: int
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    cache: CacheChoice
    output_format: OutputFormat = OutputFormat.PNG
    output_compression: int = 100
    user: str | None = None
    negative_prompt: str | None = None
    true_cfg: float = 1.0
    text_length: int | None = None
    inputs: InputKeys | None = None
    partial_images: int = 0


ANONYMOUS = "anonymous"
"""The tenant of a request without a key."""
PRIORITIES = range(-10, 11)
"""10 is the most urgent."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request on its way through the queue.

    ``submitted_ms`` is the accepting process's wall clock, milliseconds since 1970. ``priority`` orders the jobs
    of one ``tenant``; between tenants, shares of ``cost`` go by ``weight``. A job that waits longer than
    ``deadline_ms`` expires. An ``asynchronous`` job lives on when nobody waits for it. ``as_url``: its images are
    told by their addresses rather than as bytes. ``traceparent`` is the W3C header of the request's trace, where
    somebody traces. ``key_id`` is the API key's that it came with, by which images under way are counted.
    """

    id: str
    request: ImageRequest
    submitted_ms: int
    tenant: str = ANONYMOUS
    weight: float = 1.0
    priority: int = 0
    deadline_ms: int | None = None
    cost: float = 1.0
    asynchronous: bool = False
    as_url: bool = False
    traceparent: str | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """What the cache did for one image: steps = full + detail_hits + structure_hits.

    Under classifier-free guidance (FLUX.2-klein's base) each step is two, with the prompt and without.
    ``flops_ratio`` is the share of the uncached run's block FLOPs that was spent, 1 when the cache is off.
    ``nonfinite`` says that a residual was not finite, after which every step was computed in full.
    """

    steps: int
    full: int
    detail_hits: int
    structure_hits: int
    blocks_run: int
    blocks_total: int
    flops_ratio: float
    nonfinite: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Where one image's (or one request's) milliseconds went."""

    queue_ms: float
    encode_ms: float
    denoise_ms: float
    decode_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """A worker took the image over from a lost one after ``step`` steps.

    ``exact``: it is the image of an undisturbed run. Else what the cache had held was not saved, and the next step
    was computed in full.
    """

    step: int
    exact: bool


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One finished image; its bytes, of that ``sha256`` in hex, lie in the results store under ``result_key``."""

    index: int
    seed: int
    result_key: str
    counts: CacheCounts
    timings: Timings
    text_tokens: int
    sha256: str | None = None
    resumed: Resumed | None = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """Everything a finished job answers with, images in order of index."""

    images: tuple[ImageResult, ...]

    @property
    def timings(self) -> Timings:
        """Those of the image that was ready last: the parts add up to its total."""
        return max((image.timings for image in self.images), key=lambda timings: timings.total_ms)
