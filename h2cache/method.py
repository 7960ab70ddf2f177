"""A caching method: a row of parts."""

from dataclasses import dataclass, field
from enum import StrEnum

from h2cache.errors import H2CacheError
from h2cache.fill import Fill
from h2cache.gate import Gate
from h2cache.guards import Guards
from h2cache.layout import FLUX1_DOUBLE, FLUX1_SINGLE, Layout, Span
from h2cache.signal import ModulatedInput, Signal
from h2cache.summary import Summary


class Against(StrEnum):
    """Which earlier step's summary the distance is taken to."""

    COMPUTED = "computed"
    PREVIOUS = "previous"


class Reused(StrEnum):
    """What is put in: what the blocks after the probe added, or all of the stage; or what comes of it.

    STATE is the streams at the stage's end, OUTPUT the velocity, OVER_LATENTS the velocity less the latents.
    """

    REST = "rest"
    STAGE = "stage"
    STATE = "state"
    OUTPUT = "output"
    OVER_LATENTS = "over-latents"

    @property
    def is_velocity(self) -> bool:
        """True where the head is skipped too."""
        return self in (Reused.OUTPUT, Reused.OVER_LATENTS)


@dataclass(frozen=True, slots=True)
class Measure:
    """How one sample's movement becomes a number: a distance of two summaries of a signal."""

    signal: Signal
    summary: Summary
    against: Against = Against.COMPUTED

    def __post_init__(self) -> None:
        if self.summary.needs_grid and self.signal.has_text:
            kind = type(self.summary).__name__
            raise H2CacheError(f"{kind} looks at the image's shape, and the signal has text tokens")


@dataclass(frozen=True, slots=True)
class Stage:
    """What decides for one span of blocks, and what is put in.

    ``measure`` is the gate's, ``follow`` the fill's where that is another one. None: nothing is looked at.
    """

    gate: Gate
    fill: Fill
    measure: Measure | None = None
    reused: Reused = Reused.REST
    follow: Measure | None = None

    def __post_init__(self) -> None:
        if self.gate.measures is not None and not self.asks_forecast and self.measure is None:
            raise H2CacheError(f"{type(self.gate).__name__} needs a measure, and the stage has none")
        if self.fill.needs_signal and self.followed is None:
            raise H2CacheError(f"{type(self.fill).__name__} needs a measure, and the stage has none")
        if self.fill.calms_first and self.reused is not Reused.OUTPUT:
            raise H2CacheError(f"calms_first is for the output, and reused is {self.reused.value!r}")

    @property
    def asks_forecast(self) -> bool:
        """True where the gate is told how the last forecast was off."""
        return self.gate.measures is not None and self.gate.measures.is_of_forecast

    @property
    def followed(self) -> Measure | None:
        """What the fill compares steps by; None where it does not."""
        return (self.follow or self.measure) if self.fill.needs_signal else None


@dataclass(frozen=True, slots=True)
class Method:
    """Everything about how a sample is cached but its state.

    ``stages`` belong to the layout's spans in order; spans beyond them always run. ``linked``: a stage that is
    reused has all later ones reused without a test (H2-Cache's forced second hit).
    """

    name: str
    layout: Layout
    stages: tuple[Stage, ...]
    guards: Guards = field(default_factory=Guards)
    linked: bool = False

    def __post_init__(self) -> None:
        if len(self.stages) != self.layout.num_gates:
            kind = type(self.layout).__name__
            raise H2CacheError(f"{len(self.stages)} stages for {kind}, allowed are {self.layout.num_gates}")
        spans = self.layout.spans(FLUX1_DOUBLE, FLUX1_SINGLE)
        for stage, span in zip(self.stages, spans, strict=False):
            _check_stage(stage, span)
            for measure in (stage.measure, stage.followed):
                if measure and measure.signal.needs_probe and span.probe_end == span.start:
                    raise H2CacheError(f"{type(measure.signal).__name__} needs a probe, and the layout has none")
                if measure and isinstance(measure.signal, ModulatedInput) and span.start > 0:
                    raise H2CacheError("ModulatedInput is the first block's, and the stage starts at a later one")

    @property
    def counts_steps(self) -> bool:
        """True where the method has to know how many steps there will be."""
        return self.guards.counts_steps or any(
            stage.gate.counts_steps or stage.fill.counts_steps for stage in self.stages
        )

    @property
    def needs_grid(self) -> bool:
        """True where something looks at the image's shape."""
        measures = [measure for stage in self.stages for measure in (stage.measure, stage.followed) if measure]
        has_bands = any(stage.fill.steady is not None for stage in self.stages)
        return has_bands or any(measure.summary.needs_grid for measure in measures)

    def flux1_share(self, reused: tuple[bool, ...]) -> float:
        """Share of the block FLOPs that a step of FLUX.1's 19 + 38 blocks costs with these stages reused."""
        spans = self.layout.spans(FLUX1_DOUBLE, FLUX1_SINGLE)
        padded = (*reused, *[False] * (len(spans) - len(reused)))
        run = sum(span.num_run(hit) for span, hit in zip(spans, padded, strict=True))
        return run / (FLUX1_DOUBLE + FLUX1_SINGLE)


def _check_stage(stage: Stage, span: Span) -> None:
    is_last = span.end == FLUX1_DOUBLE + FLUX1_SINGLE
    if stage.reused.is_velocity and not (span.start == 0 and is_last):
        raise H2CacheError(f"reused is {stage.reused.value!r}, which only a stage of all blocks has")
    if stage.fill.steady is not None and not is_last:
        kind = type(stage.fill).__name__
        raise H2CacheError(f"{kind} looks at the image's shape, and the stage's end has text tokens")
