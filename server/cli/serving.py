"""How the commands that serve begin: their flags become settings, and troubles go to the log."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.settings import Settings


def serving_settings(config: Path | None, **flags: object) -> "Settings":
    """The flags that were given before the environment before the file. Raises SettingsError."""
    from server.settings import DEFAULT_FILE, load_settings

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Read when transformers is imported: it would remark that torchvision is not there, and nothing needs it.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    given = {name: value for name, value in flags.items() if value is not None}
    return load_settings(config or DEFAULT_FILE, given, os.environ)
