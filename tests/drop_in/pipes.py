"""Tiny random diffusers pipelines around one transformer, and calls of them."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from diffusers import FluxControlNetModel, FluxControlNetPipeline, FluxImg2ImgPipeline, FluxPipeline
from torch import Tensor

from tests import tiny_flux

STEPS = 12
MIXED: dict[str, Any] = {"method": "paper", "tau1": 0.4, "tau2": 0.5}
"""Thresholds at which all kinds of steps occur."""
NOTHING: dict[str, Any] = {"method": "paper", "tau1": 0.0, "tau2": 0.0}
DEFAULT: dict[str, Any] = {"tau1": 0.3, "tau2": 0.4}
"""Ours, which is meant without a method's name, at thresholds at which steps are computed and reused."""
ALL: dict[str, Any] = {"method": "paper", "tau1": 1e6, "tau2": 1e6}
"""Everything is reused after the first step."""


def lively_transformer() -> Any:
    """FLUX.1-dev's shape, 2 double and 3 single blocks, its modulation scaled up so that steps differ visibly."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = tiny_flux.tiny_transformer(guidance_embeds=True, num_double=2, num_single=3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name and "linear" in name:
                weight.mul_(3.0)
    return model


def add_lora(transformer: Any) -> None:
    """A random LoRA that changes what the transformer gives; skips the test where peft is absent."""
    peft = pytest.importorskip("peft", reason="LoRA layers are peft's")
    config = peft.LoraConfig(r=2, init_lora_weights="gaussian", target_modules=["to_q", "to_k", "proj_out"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        transformer.add_adapter(config)
        for name, weight in transformer.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.5)


@dataclass(frozen=True)
class Parts:
    """What pipelines may share: text encoders and the image decoder. Schedulers and fast tokenizers have state."""

    shared: dict[str, Any]

    @classmethod
    def tiny(cls) -> "Parts":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            return cls(
                {
                    "vae": tiny_flux.tiny_vae(),
                    "text_encoder": tiny_flux.tiny_clip(),
                    "text_encoder_2": tiny_flux.tiny_t5(),
                }
            )

    def text_to_image(self, transformer: Any) -> FluxPipeline:
        return self._quiet(FluxPipeline, transformer)

    def image_to_image(self, transformer: Any) -> FluxImg2ImgPipeline:
        return self._quiet(FluxImg2ImgPipeline, transformer)

    def controlled(self, transformer: Any, controlnet: FluxControlNetModel) -> FluxControlNetPipeline:
        return self._quiet(FluxControlNetPipeline, transformer, controlnet=controlnet)

    def _quiet(self, kind: Any, transformer: Any, **more: Any) -> Any:
        pipeline = kind(
            scheduler=tiny_flux.dev_scheduler(),
            tokenizer=tiny_flux.clip_tokenizer(),
            tokenizer_2=tiny_flux.t5_tokenizer(),
            transformer=transformer,
            **self.shared,
            **more,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def latents(pipeline: Any, said: Any = None, *, seed: int = 1, **more: Any) -> Tensor:
    """The final latents (B, T, C) of a call; ``said`` goes under ``h2cache`` unless it is None."""
    kwargs: dict[str, Any] = {
        "prompt": "a red heart",
        "height": 64,
        "width": 64,
        "num_inference_steps": STEPS,
        "max_sequence_length": tiny_flux.TEXT_LENGTH,
        "output_type": "latent",
        "generator": torch.Generator().manual_seed(seed),
        **more,
    }
    attention = dict(kwargs.pop("attention", {}))
    if said is not None:
        attention["h2cache"] = said
    images: Tensor = pipeline(**kwargs, joint_attention_kwargs=attention).images
    return images


def arguments(rows: int = 2) -> dict[str, Any]:
    """Of FluxTransformer2DModel.forward, once."""
    generator = torch.Generator().manual_seed(8)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return {
        "hidden_states": draw(rows, 6, 64),
        "encoder_hidden_states": draw(rows, 5, tiny_flux.T5_WIDTH),
        "pooled_projections": draw(rows, tiny_flux.CLIP_WIDTH),
        "timestep": torch.full((rows,), 0.7),
        "guidance": torch.full((rows,), 3.5),
        "img_ids": draw(6, 3).round(),
        "txt_ids": torch.zeros(5, 3),
    }


def picture(size: int = 64, seed: int = 5) -> Tensor:
    """An image (1, 3, H, W) to start from or to be controlled by."""
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))


def letters(log: Any) -> str:
    """One letter a step: f(ull), d(etail hit), s(tructure hit)."""
    return "".join(outcome.value[0] for outcome in log.outcomes)
