"""The bytes of a saved sample: one safetensors file, tensors as they are, all else as JSON in its header."""

import json
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from h2cache.errors import H2CacheError

FORMAT = "h2cache-1"


def pack(tensors: dict[str, Tensor], facts: dict[str, Any]) -> bytes:
    """Tensors of any device and JSON values as bytes."""
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return save(whole, metadata={"format": FORMAT, "sample": json.dumps(facts)})


def unpack(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What ``pack`` was given, on the CPU. Raises H2CacheError for any other bytes; nothing in them is run."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header["__metadata__"]
        version, facts = metadata["format"], json.loads(metadata["sample"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise H2CacheError(f"{len(content)} bytes are not a saved sample") from error
    if version != FORMAT:
        raise H2CacheError(f"saved sample has format {version[:64]!r}, allowed is {FORMAT!r}")
    return tensors, facts
