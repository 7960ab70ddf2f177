"""What ``h2serve doctor`` looks at."""

import asyncio
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import torch

from server.app_models import served_profile
from server.engine.interface import SampleOrder
from server.engine.loader import LoadedModel, load_model, resolve_device, resolve_dtype
from server.engine.memory import available_bytes, default_budget
from server.engine.prepare import prepare
from server.engine.text_encoder import TextEncoder
from server.errors import ServerError, SettingsError
from server.profile import ModelProfile, model_source
from server.redis_link import RedisAddress, open_redis, plain_errors, read_address, warnings_of
from server.request import CacheChoice
from server.settings import DEFAULT_FILE, Settings, load_settings

PACKAGES = ("torch", "diffusers", "transformers", "safetensors", "fastapi", "uvicorn", "pillow", "redis")
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``bad`` keeps the server from working, ``note`` is worth knowing."""

    what: str
    state: Literal["good", "note", "bad"]
    said: str


def examine(flags: Mapping[str, Any], environ: Mapping[str, str], load: bool) -> list[Finding]:
    """All findings, in the order in which one thing needs the other; nothing after a bad one that it needs."""
    found = [*versions()]
    try:
        settings = load_settings(DEFAULT_FILE, flags, environ)
        profile = served_profile(settings)
        found.append(Finding("settings", "good", f"in order; the model is {profile.name}"))
    except SettingsError as error:
        return [*found, Finding("settings", "bad", error.message)]
    if settings.redis:
        found.append(redis_finding("redis server", settings.redis, settings))
    if settings.results_redis:
        found.append(redis_finding("results redis", settings.results_redis, settings))
    try:
        device = resolve_device(settings.device)
    except ServerError as error:
        return [*found, Finding("device", "bad", error.message)]
    free = free_bytes(device)
    found.append(Finding("device", "good", described(device)))
    found.append(Finding("memory", "good", f"{free / GIB:.1f} GiB free on it"))
    found += model_findings(settings, profile, device, free)
    if load and found[-1].state != "bad":
        found.append(loaded_finding(settings, profile))
    return found


def redis_finding(what: str, url: str, settings: Settings) -> Finding:
    """Whether this Redis answers, and whether what is promised is safe in it."""
    try:
        address = read_address(url, settings.redis_password_file)
        told = asyncio.run(info_of(address))
    except ServerError as error:
        return Finding(what, "bad", error.message)
    warnings = warnings_of(told, has_jobs=url == settings.redis)
    said = "; ".join((f"{told.get('redis_version')} at {address}", *warnings))
    return Finding(what, "note" if warnings else "good", said)


async def info_of(address: RedisAddress) -> dict[str, Any]:
    """What Redis tells of itself. Raises StorageUnreachable."""
    async with open_redis(address, 1) as client:
        with plain_errors():
            return {**await client.info()}


def versions() -> Iterator[Finding]:
    """Python and what is installed beside it."""
    yield Finding("python", "good", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in PACKAGES:
        try:
            yield Finding(package, "good", version(package))
        except PackageNotFoundError:
            yield Finding(package, "note", "not installed")


def described(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
    return f"{device}: {torch.get_num_threads()} threads"


def free_bytes(device: torch.device) -> int:
    """What can be had now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return available_bytes(Path("/proc/meminfo"))


def model_findings(
    settings: Settings, profile: ModelProfile, device: torch.device, free: int
) -> Iterator[Finding]:
    """Whether the weights are there and go into the memory."""
    source = model_source(profile)
    folder = Path(source)
    if not folder.is_absolute():
        yield Finding("model", "note", f"{source} is a hub id: it is loaded from the hub or its local copy")
        return
    if not (folder / "model_index.json").is_file():
        yield Finding("model", "bad", f"{folder} has no model_index.json")
        return
    try:
        parameters = sum(num_parameters(file) for file in sorted(folder.rglob("*.safetensors")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Finding("model", "bad", f"{folder} has a weights file that cannot be read: {error}")
        return
    dtype = resolve_dtype(settings.dtype, device)
    needed = parameters * dtype.itemsize
    name = str(dtype).removeprefix("torch.")
    yield Finding("model", "good", f"{folder}: {parameters / 1e6:.1f} million parameters")
    fits = f"{needed / GIB:.2f} GiB of weights in {name}, {free / GIB:.1f} GiB are free"
    yield Finding("fits", "good" if needed < free else "bad", fits)


def num_parameters(file: Path) -> int:
    """Of a safetensors file, by its header: eight bytes of length, then JSON of names, types and shapes."""
    with file.open("rb") as weights:
        header = json.loads(weights.read(int.from_bytes(weights.read(8), "little")))
    return sum(product(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def product(shape: list[int]) -> int:
    """Of a tensor's sides; 1 for a number."""
    count = 1
    for side in shape:
        count *= side
    return count


def loaded_finding(settings: Settings, profile: ModelProfile) -> Finding:
    """How many images of the default size the budget holds at once, under the rule with the most state."""
    try:
        model = load_model(model_source(profile), settings.device, settings.dtype)
    except ServerError as error:
        return Finding("load", "bad", error.message)
    each = sample_bytes_of(model, settings, profile)
    budget = settings.memory_budget_mb * 2**20 or default_budget(model.device)
    count = min(settings.max_batch, budget // each)
    size = f"{profile.default_width}x{profile.default_height}"
    said = f"an image of {size} holds {each / 2**20:.1f} MiB; {count} run at once (max_batch {settings.max_batch})"
    return Finding("batch", "good" if count else "note", said)


def sample_bytes_of(model: LoadedModel, settings: Settings, profile: ModelProfile) -> int:
    """Of one image under the paper's rule."""
    choice = CacheChoice("paper", tau1=0.15, tau2=0.22, method="paper")
    size = profile.default_width, profile.default_height
    text = TextEncoder(model, profile.text_length, settings.text_cache_mb * 2**20)
    steps, guidance = profile.default_steps, profile.default_guidance
    return prepare(
        model, text, SampleOrder("doctor", profile.example_prompt, *size, steps, guidance, 0, choice)
    ).needed_bytes
