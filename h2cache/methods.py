"""The methods by name: each is a row of parts with its authors' values for FLUX.1 as defaults."""

from collections.abc import Callable, Mapping
from inspect import signature

from h2cache.checks import check_number
from h2cache.errors import H2CacheError
from h2cache.fills.guarded import Guarded
from h2cache.fills.hermite import Hermite
from h2cache.fills.last import Last
from h2cache.fills.scaled import Scaled
from h2cache.fills.taylor import Taylor
from h2cache.gates.accumulated import Accumulated
from h2cache.gates.below import Below
from h2cache.gates.interval import Interval
from h2cache.gates.magnitude import FLUX1_RATIOS, Magnitude
from h2cache.gates.mask import Mask
from h2cache.gates.sensitivity import Sensitivity
from h2cache.guards import Guards
from h2cache.layout import FirstAndLast, OneStage, TwoStages, WholeStep
from h2cache.method import Against, Measure, Method, Reused, Stage
from h2cache.ours import default
from h2cache.signal import Latents, ModulatedInput, ProbeResidual, ProbeState
from h2cache.summaries.low_pass import Wiener
from h2cache.summaries.whole import Whole
from h2cache.summaries.windows import Windows

STRUCTURE_POOL_SIZE, DETAIL_POOL_SIZE = 2048, 384
"""Pool sizes of the two stages in the published code (repository Bluear7878/H2-Cache)."""
TEACACHE_FLUX1 = (498.651651, -283.781631, 55.8554382, -3.82021401, 0.264230861)
"""The authors' polynomial for FLUX.1 (repository ali-vilab/TeaCache)."""
PROCACHE_FLUX1 = 5 * "011111" + 4 * "01111"
"""The authors' pattern for FLUX.1-dev at 50 steps, 1 reuses (repository macovaseas/ProCache)."""
MASK_29 = "00001000111010010011011011110111011110111011010110"
MASK_37 = "00000101111011101111101111111011111111101111101110"
"""BudCache's masks of FLUX.1-dev at 50 steps (repository nanguoyu/Golden-Path-Hypothesis), 29 and 37 reused."""


def paper(
    tau1: float = 0.15,
    tau2: float = 0.22,
    warmup: int = 0,
    last_full: bool = False,
    max_consecutive: int | None = None,
) -> Method:
    """H2-Cache as published (arXiv 2510.27171); the guards are ours and off.

    ``tau1`` gates structure (the double-stream blocks), ``tau2`` gates detail (the single-stream blocks).
    ``tau2 = 0`` alone does NOT switch the reuse of detail off: a structure hit forces a detail hit without a test.
    """
    check_number("tau1", tau1)
    check_number("tau2", tau2)
    structure = Stage(Below(tau1), Last(), Measure(ProbeResidual(), Windows(STRUCTURE_POOL_SIZE)))
    detail = Stage(Below(tau2), Last(), Measure(ProbeResidual(text=True), Windows(DETAIL_POOL_SIZE)))
    guards = Guards(warmup, 0.0, last_full, max_consecutive)
    return Method("paper", TwoStages(), (structure, detail), guards, linked=True)


def fbcache(
    threshold: float = 0.08,
    at: bool = False,
    warmup: int = 0,
    last_full: bool = False,
    max_consecutive: int | None = None,
) -> Method:
    """First-block caching (repository chengzeyi/ParaAttention). diffusers' also reuses ``at`` the threshold."""
    stage = Stage(Below(threshold, at), Last(), Measure(ProbeResidual(), Whole()))
    return Method("fbcache", OneStage(), (stage,), Guards(warmup, 0.0, last_full, max_consecutive))


def fbcache_taylor(
    threshold: float = 0.08,
    order: int = 1,
    warmup: int = 0,
    last_full: bool = False,
    max_consecutive: int | None = None,
) -> Method:
    """First-block caching with a Taylor expansion of the residual (repository vipshop/cache-dit)."""
    stage = Stage(Below(threshold), Taylor(order), Measure(ProbeResidual(), Whole()))
    return Method("fbcache-taylor", OneStage(), (stage,), Guards(warmup, 0.0, last_full, max_consecutive))


def teacache(
    threshold: float = 0.6,
    polynomial: tuple[float, ...] = TEACACHE_FLUX1,
    warmup: int = 1,
    last_full: bool = True,
    max_consecutive: int | None = None,
) -> Method:
    """TeaCache (arXiv 2411.19108): accumulated change of the modulated input."""
    measure = Measure(ModulatedInput(), Whole(), Against.PREVIOUS)
    stage = Stage(Accumulated(threshold, polynomial), Last(), measure, Reused.STAGE)
    return Method("teacache", WholeStep(), (stage,), Guards(warmup, 0.0, last_full, max_consecutive))


def magcache(
    threshold: float = 0.24,
    max_skips: int = 5,
    warmup_share: float = 0.1,
    ratios: tuple[float, ...] = FLUX1_RATIOS,
) -> Method:
    """MagCache (arXiv 2506.09045): the residual's size from a calibration run."""
    stage = Stage(Magnitude(threshold, max_skips, ratios, warmup_share), Last(), reused=Reused.STAGE)
    return Method("magcache", WholeStep(), (stage,))


def taylorseer(every: int = 6, order: int = 1, offset: int = 2, warmup: int = 3) -> Method:
    """TaylorSeer's lite mode (arXiv 2503.06923): the velocity expanded from steps at a fixed interval."""
    stage = Stage(Interval(every, offset), Taylor(order), reused=Reused.OUTPUT)
    return Method("taylorseer", WholeStep(), (stage,), Guards(warmup))


def hicache(every: int = 7, order: int = 2, scale: float = 0.5, warmup: int = 3) -> Method:
    """HiCache (arXiv 2508.16984): TaylorSeer with damped terms.

    On the velocity, as TaylorSeer's lite mode; the authors forecast each module's output. As in their code no
    difference reaches back beyond the last but one step of the warm-up, and the interval counts from its end.
    """
    fill = Hermite(order, scale, since=max(0, warmup - 2))
    stage = Stage(Interval(every, max(0, warmup - 1)), fill, reused=Reused.OUTPUT)
    return Method("hicache", WholeStep(), (stage,), Guards(warmup))


def freqca(every: int = 6, order: int = 2, scale: float = 0.71, cutoff: float = 0.1, warmup: int = 3) -> Method:
    """FreqCa (arXiv 2510.08669): the stream before the head, its low band reused and its high band forecast.

    As their code without its option ``use_z_cache``. Steps as in ``hicache``.
    """
    fill = Hermite(order, scale, max(0, warmup - 2), cutoff)
    stage = Stage(Interval(every, max(0, warmup - 1)), fill, reused=Reused.STATE)
    return Method("freqca", WholeStep(), (stage,), Guards(warmup))


def procache(pattern: str = PROCACHE_FLUX1, order: int = 2, warmup: int = 3) -> Method:
    """ProCache (arXiv 2512.17298): a searched pattern, 1 reuses, with a Taylor expansion in the reused steps.

    As the authors' code for FLUX.1 runs, which recomputes no part of a reused step; it expands each module's
    output, here it is the velocity. Another number of steps has the pattern stretched.
    """
    fill = Taylor(order, since=max(0, warmup - 2))
    stage = Stage(Mask(pattern), fill, reused=Reused.OUTPUT)
    return Method("procache", WholeStep(), (stage,), Guards(warmup))


def sencache(
    to_latents: tuple[float, ...],
    to_time: tuple[float, ...],
    times: tuple[float, ...],
    threshold: float = 0.6,
    start: float = 0.005,
    max_skips: int = 3,
    warmup: int = 1,
    last_full: bool = True,
) -> Method:
    """SenCache (arXiv 2602.24208): how much the output can have changed, by sensitivities from a calibration run.

    Its authors publish no tables for FLUX.1; the arena makes them. The thresholds are a third party's for FLUX.1.
    Reused is what the blocks added, as in the authors' code.
    """
    gate = Sensitivity(threshold, start, to_latents, to_time, times, max_skips)
    stage = Stage(gate, Last(), Measure(Latents(), Whole()), Reused.STAGE)
    return Method("sencache", WholeStep(), (stage,), Guards(warmup, 0.0, last_full))


def ertacache_like(pattern: str, gains: tuple[float, ...] = ()) -> Method:
    """After ERTACache (arXiv 2508.21091): velocity less latents, on a schedule from a calibration run, 1 reuses.

    Unlike it: the size of the sampler's steps is left alone, and what is reused is rectified by a factor a step,
    ``gains``, in place of the authors' closed form. They publish no schedule for FLUX.1; the arena makes one.
    """
    stage = Stage(Mask(pattern), Scaled(gains), reused=Reused.OVER_LATENTS)
    return Method("ertacache-like", WholeStep(), (stage,))


def dicache(
    threshold: float = 0.4,
    depth: int = 1,
    most: float = 1.5,
    warmup: int = 1,
    warmup_share: float = 0.2,
    last_full: bool = True,
) -> Method:
    """DiCache (arXiv 2508.17356): accumulated change of the probe, guarded extrapolation of the whole residual.

    Its code has the steps 0 to int(0.2 steps) full, which is one more than the share.
    """
    stage = Stage(
        Accumulated(threshold),
        Guarded(most),
        Measure(ProbeState(), Whole(), Against.PREVIOUS),
        Reused.STAGE,
        follow=Measure(ProbeResidual(), Whole()),
    )
    layout = OneStage() if depth == 1 else FirstAndLast(depth)
    return Method("dicache", layout, (stage,), Guards(warmup, warmup_share, last_full))


def seacache(
    threshold: float = 0.3,
    power: float = 2.0,
    warmup: int = 1,
    last_full: bool = True,
    max_consecutive: int | None = None,
) -> Method:
    """SeaCache (arXiv 2602.18993): accumulated change of the modulated input under a filter that follows sigma.

    The authors' code for FLUX compares step 1 with the unfiltered input of step 0; here, as in diffusers and the
    paper, every step is filtered.
    """
    measure = Measure(ModulatedInput(), Wiener(power), Against.PREVIOUS)
    stage = Stage(Accumulated(threshold), Last(), measure, Reused.STAGE)
    return Method("seacache", WholeStep(), (stage,), Guards(warmup, 0.0, last_full, max_consecutive))


def dbcache(
    threshold: float = 0.08,
    first: int = 8,
    last: int = 0,
    warmup: int = 8,
    max_consecutive: int | None = None,
) -> Method:
    """DBCache (repository vipshop/cache-dit): the change after the first Fn blocks; the last Bn always run."""
    stage = Stage(Below(threshold), Last(), Measure(ProbeResidual(), Whole()))
    return Method("dbcache", FirstAndLast(first, last), (stage,), Guards(warmup, max_consecutive=max_consecutive))


def mask(steps: str = MASK_29) -> Method:
    """A fixed schedule on the whole step's residual; 1 reuses. ``MASK_37`` is the greedier published one."""
    return Method("mask", WholeStep(), (Stage(Mask(steps), Last(), reused=Reused.STAGE),))


METHODS: Mapping[str, Callable[..., Method]] = {
    "default": default,
    "paper": paper,
    "fbcache": fbcache,
    "fbcache-taylor": fbcache_taylor,
    "teacache": teacache,
    "magcache": magcache,
    "taylorseer": taylorseer,
    "hicache": hicache,
    "freqca": freqca,
    "procache": procache,
    "sencache": sencache,
    "ertacache-like": ertacache_like,
    "dicache": dicache,
    "seacache": seacache,
    "dbcache": dbcache,
    "mask": mask,
}


def parameters_of(name: str) -> tuple[str, ...]:
    """The names of a method's parameters."""
    return tuple(signature(METHODS[name]).parameters)


def method(name: str, parameters: Mapping[str, object]) -> Method:
    """A method by its name, with some of its parameters. Raises H2CacheError, which says what is allowed."""
    if name not in METHODS:
        raise H2CacheError(f"method is {name[:64]!r}, allowed are {', '.join(METHODS)}")
    allowed = signature(METHODS[name]).parameters
    for key in parameters:
        if key not in allowed:
            raise H2CacheError(f"{key[:64]!r} is no parameter of {name}, allowed are {', '.join(allowed)}")
    missing = [key for key, spec in allowed.items() if spec.default is spec.empty and key not in parameters]
    if missing:
        raise H2CacheError(f"{name} needs {', '.join(missing)}")
    return METHODS[name](**parameters)
