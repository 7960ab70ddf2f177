"""LoRA scale on a shared model."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import Any

from diffusers.utils import USE_PEFT_BACKEND, scale_lora_layers, unscale_lora_layers


class LoraTurns:
    """diffusers scales LoRA layers in place for the time of a call: with LoRA loaded, calls take turns."""

    def __init__(self) -> None:
        self._lock = Lock()

    def turn(self, model: Any) -> AbstractContextManager[Any]:
        """Alone with the model where it has LoRA layers; otherwise nobody waits."""
        return self._lock if getattr(model, "_hf_peft_config_loaded", False) else nullcontext()

    @contextmanager
    def scaled(self, model: Any, scale: float) -> Iterator[None]:
        """The same with the layers scaled, as FluxTransformer2DModel.forward does."""
        with self.turn(model):
            if USE_PEFT_BACKEND:
                scale_lora_layers(model, scale)
            try:
                yield
            finally:
                if USE_PEFT_BACKEND:
                    unscale_lora_layers(model, scale)
