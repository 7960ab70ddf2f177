"""Where a model is, and the index of its folder, which names its pipeline. Without torch, which takes seconds."""

import json
import re
from pathlib import Path
from typing import Any

from server.errors import ModelLoadError

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
"""OWNER/NAME; anything else can only be a folder."""


def is_on_hub(source: str) -> bool:
    """True for a hub id of whose name there is no folder here."""
    return not Path(source).exists() and HUB_ID.fullmatch(source) is not None


def read_index(folder: Path) -> Any:
    """What model_index.json has. Raises ModelLoadError."""
    if not folder.is_dir():
        raise ModelLoadError(f"model folder {str(folder)!r} does not exist, and a hub id is OWNER/NAME")
    try:
        return json.loads((folder / "model_index.json").read_text())
    except (OSError, ValueError) as error:
        raise ModelLoadError(f"model folder {str(folder)!r} has no readable model_index.json") from error
