"""Where the times of ``h2serve plan`` are from: published, given, or measured by running servers."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from server.errors import SettingsError
from server.plan.gpus import gpu_named
from server.plan.measured import Sums, mean_computed, mean_stage_s, mean_step_times, mean_steps, read_sums
from server.plan.share import share_of
from server.plan.step_times import StepTimes, parse_step_times
from server.profile import load_profile

MODEL, PRESET = "black-forest-labs/FLUX.1-dev", "balanced"
"""Where none is asked for."""
TIMEOUT_S = 10.0
STAGES = ("encode", "decode")


@dataclass(frozen=True)
class Times:
    """What to plan with, and where it is from; ``remarks`` are what a reader has to know of it.

    ``computed`` of the ``steps`` run blocks.
    """

    step: StepTimes
    steps: int
    computed: int
    encode_s: float
    decode_s: float
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What was given of it; ``stages_s`` are seconds of encode and decode."""

    model: str | None
    steps: int | None
    preset: str | None
    gpu: str | None
    step_times: str | None
    urls: Sequence[str]
    key: str | None
    stages_s: tuple[float | None, float | None]


def times_of(asked: Asked) -> Times:
    """From exactly one of the three sources. Raises SettingsError."""
    if [bool(asked.urls), asked.gpu is not None, asked.step_times is not None].count(True) != 1:
        raise SettingsError("give one of --gpu, --step-times and --url")
    if asked.urls:
        return _measured(asked)
    profile = load_profile(asked.model or MODEL)
    share, remark = share_of(profile, asked.preset or PRESET)
    steps = asked.steps or profile.default_steps
    computed = max(1, round(share * steps))
    encode_s, decode_s = (given or 0.0 for given in asked.stages_s)
    remarks = (remark, *_remarks_on_stages(asked.stages_s))
    if asked.gpu is None:
        step_times = parse_step_times(asked.step_times or "").scaled(share)
        return Times(step_times, steps, computed, encode_s, decode_s, remarks)
    known = gpu_named(asked.gpu)
    source = f"estimate: h2serve was never run on {asked.gpu}; FLUX.1-dev at 1024x1024 by {known.source}"
    step_times = StepTimes({1: known.step_s}).scaled(share)
    return Times(step_times, steps, computed, encode_s, decode_s, (source, *remarks))


def _remarks_on_stages(given: Sequence[float | None]) -> list[str]:
    missing = [stage for stage, seconds in zip(STAGES, given, strict=True) if seconds is None]
    flags = " and ".join(f"--{stage}" for stage in missing)
    return [f"estimate: an image's {' and '.join(missing)} count as 0 s, give {flags}"] if missing else []


def _measured(asked: Asked) -> Times:
    """Of what the servers have served so far, with the thresholds and steps that their clients chose."""
    if asked.model is not None:
        raise SettingsError("model is for --gpu and --step-times: with --url what was served counts, or --steps")
    if asked.preset is not None:
        raise SettingsError("preset is for --gpu and --step-times: with --url the clients' own thresholds count")
    sums = Sums({})
    for url in asked.urls:
        sums += _scraped(url, asked.key)
    stages_s = zip(STAGES, asked.stages_s, strict=True)
    encode_s, decode_s = (mean_stage_s(sums, stage) if given is None else given for stage, given in stages_s)
    step_times = mean_step_times(sums)
    steps = asked.steps or mean_steps(sums)
    taken = "sizes and thresholds" if asked.steps else f"sizes, thresholds and {steps} steps"
    remark = f"measured by {', '.join(asked.urls)}: the {taken} of what was served so far"
    return Times(step_times, steps, mean_computed(sums, steps), encode_s, decode_s, (remark,))


def _scraped(url: str, key: str | None) -> Sums:
    """Redirects are not followed: the key is for this address."""
    address = f"{url.rstrip('/')}/metrics"
    if not address.startswith(("http://", "https://")):
        raise SettingsError(f"url is {url[:64]!r}, allowed is one that begins with http:// or https://")
    try:
        answer = httpx.get(address, headers={"authorization": f"Bearer {key}"} if key else {}, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SettingsError(f"{address[:128]} cannot be read: {error or type(error).__name__}") from error
    if answer.status_code == 401:
        raise SettingsError(f"{address[:128]} wants --key: its metrics token or an admin's key")
    if not answer.is_success:
        raise SettingsError(f"{address[:128]} cannot be read: it answers {answer.status_code}")
    try:
        return read_sums(answer.text)
    except ValueError as error:
        raise SettingsError(f"{address[:128]} has no metrics: {str(error)[:64]!r}") from error
