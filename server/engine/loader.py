"""Loading a Flux model from a diffusers folder or a hub id. The only place with third-party model code."""

import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from h2cache import FluxModel, flux_model
from server.engine.families import FAMILIES
from server.engine.family import Family
from server.errors import ModelLoadError
from server.model_index import is_on_hub, read_index

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """A pipeline on its device (its parts are registered at run time, so that types do not know them), its family,
    its transformer seen as two stages, and where its tensors live.

    ``reading`` is held while a prompt is encoded: a fast tokenizer keeps the padding of a call on itself, and the
    pipelines call theirs with two.
    """

    pipeline: Any
    family: Family
    flux: FluxModel
    device: torch.device
    dtype: torch.dtype
    reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def takes_guidance(self) -> bool:
        """True where guidance is an input of the transformer."""
        return self.family.embeds_guidance(self.pipeline)

    @property
    def guides_by_two(self) -> bool:
        """True where a guidance above 1 takes a second row."""
        return self.family.guides_by_two(self.pipeline, math.inf)


def load_model(source: str, device: str = "auto", dtype: str = "auto") -> LoadedModel:
    """Load from a folder or, if there is none of that name, from the hub. Raises ModelLoadError with one line."""
    where = resolve_device(device)
    kind = resolve_dtype(dtype, where)
    quiet_libraries()
    try:
        family = family_of(source)
        parts = {part: load_encoder(source, part, cls, kind) for part, cls in family.encoders.items()}
        parts["transformer"] = load_transformer(source, family.transformer_class, kind)
        pipeline: Any = family.pipeline_class.from_pretrained(source, dtype=kind, use_safetensors=True, **parts)
        pipeline.to(where)
        # Channels side by side take a fifth and more off a decode on CPUs (`bench --engine --only decoding`).
        pipeline.vae.to(memory_format=torch.channels_last)
        flux = flux_model(pipeline.transformer)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, SafetensorError) as error:
        log.debug("loading failed", exc_info=error)
        raise ModelLoadError(f"cannot load model {source!r}: {_first_line(error)}") from error
    pipeline.set_progress_bar_config(disable=True)
    return LoadedModel(pipeline, family, flux, where, kind)


def family_of(source: str) -> Family:
    """By the pipeline that the model's index names, in a folder or, where it can be a hub id, on the hub."""
    folder = Path(source)
    if not is_on_hub(source):
        family = FAMILIES[checked_name(source, read_index(folder))](folder)
        check_folder(folder, [part for part, cls in family.encoders.items() if cls] + [*family.other_parts])
        return family
    return FAMILIES[checked_name(source, DiffusionPipeline.load_config(source))](folder)


def checked_name(source: str, index: Any) -> str:
    """The pipeline's name in the index."""
    name = str(index.get("_class_name") if isinstance(index, dict) else None)
    if name not in FAMILIES:
        raise ModelLoadError(f"model {source!r} is a {name[:64]}, allowed are {', '.join(FAMILIES)}")
    return name


def check_folder(folder: Path, parts: Sequence[str]) -> None:
    """Say what is missing before diffusers says it in many lines."""
    missing = [part for part in parts if not (folder / part).is_dir() or not any((folder / part).iterdir())]
    if missing:
        raise ModelLoadError(f"model folder {str(folder)!r} lacks {', '.join(missing)}")


def load_encoder(source: str, part: str, cls: Any, dtype: torch.dtype) -> Any:
    """A text encoder with all its weights: transformers would fill missing ones with noise and only warn."""
    if cls is None:
        return None
    encoder, info = cls.from_pretrained(source, subfolder=part, dtype=dtype, output_loading_info=True)
    if info["missing_keys"]:
        raise ValueError(f"{part} lacks {len(info['missing_keys'])} weights, such as {min(info['missing_keys'])}")
    return encoder


def load_transformer(source: str, cls: Any, dtype: torch.dtype) -> Any:
    """The transformer with all weights in use: diffusers would leave out blocks that the config does not name."""
    transformer, info = cls.from_pretrained(
        source, subfolder="transformer", dtype=dtype, use_safetensors=True, output_loading_info=True
    )
    left_out = info["unexpected_keys"]
    if left_out:
        raise ValueError(
            f"transformer has {len(left_out)} weights that its config has not, such as {min(left_out)}"
        )
    return transformer


def resolve_device(device: str) -> torch.device:
    """``auto`` is cuda, else mps, else cpu."""
    if device != "auto":
        try:
            chosen = torch.device(device)
        except RuntimeError as error:
            raise ModelLoadError(f"device {device[:64]!r} is unknown, allowed are auto, cpu, cuda, mps") from error
        if chosen.type == "cuda" and not torch.cuda.is_available():
            raise ModelLoadError(f"device {device!r} is not there: torch sees no CUDA")
        if chosen.type == "mps" and not torch.backends.mps.is_available():
            raise ModelLoadError(f"device {device!r} is not there: torch sees no MPS")
        return chosen
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """``auto`` is float32 on a CPU, whatever the weights are stored in, and bfloat16 elsewhere."""
    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    if dtype not in DTYPES:
        raise ModelLoadError(f"dtype {dtype[:64]!r} is unknown, allowed are auto, {', '.join(DTYPES)}")
    return DTYPES[dtype]


def quiet_libraries() -> None:
    """Their warnings quote prompts, and their bars are drawn over our lines."""
    for logs in (diffusers_logging, transformers_logging):
        logs.set_verbosity_error()
        logs.disable_progress_bar()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
