"""What the rest of the server knows of an engine: orders in, events out.

Every submitted sample ends in exactly one of ``SampleFinished``, ``SampleFailed`` and ``SampleDropped``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from server.request import CacheChoice, CacheCounts, OutputFormat

FAILED = "the image could not be computed"
"""What a client is told; the log has the reason."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What may run at once; ``memory_budget_bytes`` 0 is half of what is free when the engine is made."""

    max_batch: int = 8
    memory_budget_bytes: int = 0
    text_cache_bytes: int = 64 * 2**20
    text_length: int = 512


@dataclass(frozen=True, slots=True)
class InputImages:
    """What an image is made from: PNG files of the order's size, and how.

    ``mask`` is gray, 255 where the image is redrawn and 0 where it stays. ``strength``, above 0 and up to 1, says
    how much noise the first image starts under; None is for models that take images as references: noise alone.
    """

    images: tuple[bytes, ...]
    mask: bytes | None = None
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """One image to make, ``width`` x ``height`` pixels; ``guidance`` is the pipelines' guidance_scale.

    With a ``true_cfg`` above 1 each step is guided away from ``negative_prompt``, where there is one.
    ``text_length`` is the prompts' in tokens, None the engine's own.
    """

    sample_id: str
    prompt: str
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    cache: CacheChoice
    output_format: OutputFormat = OutputFormat.PNG
    output_compression: int = 100
    negative_prompt: str | None = None
    true_cfg: float = 1.0
    text_length: int | None = None
    inputs: InputImages | None = field(default=None, repr=False)
    model: str | None = None
    partial_images: int = 0
    """Previews to show on the way, evenly spread over the steps."""
    checkpoint: bytes | None = field(default=None, repr=False)
    """What ``SampleSaved`` told of the same sample, of this engine or another: the sample goes on from there."""


@dataclass(frozen=True, slots=True)
class SampleStepped:
    """``step`` of ``num_steps`` denoising steps are done, counted from 1.

    ``outcomes`` are the step's, of each of the sample's rows: ``full``, ``detail_hit`` or ``structure_hit``. There
    are two under classifier-free guidance, and none where the engine does not tell.
    """

    sample_id: str
    step: int
    num_steps: int
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleFinished:
    """The image file's bytes, and what they cost. ``text_tokens`` is the prompt's without padding."""

    sample_id: str
    image: bytes
    counts: CacheCounts
    encode_ms: float
    denoise_ms: float
    decode_ms: float
    text_tokens: int


@dataclass(frozen=True, slots=True)
class SampleFailed:
    """The sample came to nothing; ``message`` is fit for a client."""

    sample_id: str
    message: str


@dataclass(frozen=True, slots=True)
class SampleDropped:
    """The sample was cancelled, or the engine stopped before it was done."""

    sample_id: str


@dataclass(frozen=True, slots=True)
class SampleSaved:
    """The sample's state after ``step`` steps, to go on from. ``is_exact``: to the image of an undisturbed run."""

    sample_id: str
    step: int
    content: bytes = field(repr=False)
    is_exact: bool


@dataclass(frozen=True, slots=True)
class SamplePreviewed:
    """Preview ``number``, from 0: an image file of what the sample is heading for. Told before its end."""

    sample_id: str
    number: int
    image: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SampleResumed:
    """The order's checkpoint was taken up: ``step`` steps need not be done again."""

    sample_id: str
    step: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """The device's context is poisoned and only a new process helps; all samples in flight are dropped.

    ``suspects`` are the samples that it was working on, one of which may have done it.
    """

    message: str
    suspects: tuple[str, ...] = ()


SampleEnd = SampleFinished | SampleFailed | SampleDropped
SampleEvent = SampleStepped | SampleSaved | SamplePreviewed | SampleResumed | SampleEnd
EngineEvent = SampleEvent | DeviceLost


@dataclass(frozen=True, slots=True)
class RowStepped:
    """A row's part in a step: its sample's rule, its outcome, the blocks run and their share of all FLOPs."""

    cache: CacheChoice
    outcome: str
    blocks_run: int
    blocks_total: int
    flops_share: float


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """Bytes that the running samples will hold at most, those they may, and what is allocated on a CUDA device."""

    samples_bytes: int
    budget_bytes: int
    device_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class BatchStepped:
    """One step of one batch: how many samples, its wall time, and its rows, two a sample where guidance asks.

    ``waiting`` of the batch's samples did not take it: those that reuse go ahead, and all compute together.
    """

    batch_size: int
    seconds: float
    rows: tuple[RowStepped, ...]
    memory: EngineMemory | None = None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class TextEncoded:
    """A prompt has its embedding; ``was_known`` says that it was remembered."""

    was_known: bool


EngineFact = BatchStepped | TextEncoded
"""What an engine tells for the metrics."""
Listener = Callable[[EngineEvent], None]
Observer = Callable[[EngineFact], None]


class Engine(Protocol):
    """Makes images on its own threads. Listener and observer are called from those threads."""

    def start(self, listener: Listener, observer: Observer) -> None:
        """Start the threads. Called once."""
        ...

    def submit(self, order: SampleOrder) -> None:
        """Take an order; never blocks. An id that is in flight already is ignored."""
        ...

    def cancel(self, sample_id: str) -> None:
        """Drop the sample within two steps, wherever it is. Unknown and ended ids are fine."""
        ...

    def save(self, sample_id: str, full_up_to_bytes: int) -> None:
        """Ask for the sample's state at the next border between steps; it is told unless the sample ends before.

        Above ``full_up_to_bytes`` only the latents are told, and what the cache holds is left out.
        """
        ...

    def free_slots(self) -> int:
        """How many more samples the engine wants now, never negative."""
        ...

    @property
    def last_tick_s(self) -> float | None:
        """``time.monotonic()`` of the loop's last turn, None before the first; also when idle, each 0.5 s."""
        ...

    def stop(self, grace_s: float) -> None:
        """Let samples in flight end for up to ``grace_s`` seconds, drop the rest, and join the threads."""
        ...
