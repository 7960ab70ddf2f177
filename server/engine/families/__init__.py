"""The model families that the engine runs, one a file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from server.engine.families.flux1 import Flux1
from server.engine.families.flux1_fill import Flux1Fill
from server.engine.families.flux1_kontext import Flux1Kontext
from server.engine.families.flux2 import Klein, open_dev
from server.engine.family import Family

FAMILIES: Mapping[str, Callable[[Path], Family]] = {
    "FluxPipeline": lambda folder: Flux1(),
    "FluxKontextPipeline": lambda folder: Flux1Kontext(),
    "FluxFillPipeline": lambda folder: Flux1Fill(),
    "Flux2Pipeline": open_dev,
    "Flux2KleinPipeline": lambda folder: Klein(),
}
"""By the pipeline that a folder's model_index.json names; the folder may be a hub's, and then is not there."""
