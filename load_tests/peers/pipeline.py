"""One FluxPipeline with diffusers' first-block caching, as its documentation has it."""

import base64
from collections.abc import Sequence
from io import BytesIO
from statistics import mean
from typing import Any

import torch
from diffusers import FirstBlockCacheConfig, FluxPipeline

from load_tests.peers.wanted import Wanted

Answer = dict[str, Any]


class Pipeline:
    """Not to be called by two threads at once: the cache's state is the pipeline's."""

    def __init__(self, folder: str, text_length: int, threads: int) -> None:
        torch.set_num_threads(threads)
        self._pipeline = FluxPipeline.from_pretrained(folder, torch_dtype=torch.float32)
        self._pipeline.set_progress_bar_config(disable=True)
        self._text_length = text_length
        transformer = self._pipeline.transformer
        blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
        self._blocks_run, self._blocks_a_step = 0, len(blocks)
        for block in blocks:
            # A skipped block does not call its attention.
            block.attn.register_forward_pre_hook(self._count)

    def _count(self, module: torch.nn.Module, args: object) -> None:
        self._blocks_run += 1

    def generate(self, wanted: Sequence[Wanted]) -> list[Answer]:
        """One call for images with the same batch key: one threshold, their mean, and one decision for all."""
        first, self._blocks_run = wanted[0], 0
        thresholds = [one.threshold for one in wanted if one.threshold is not None]
        if thresholds:
            self._pipeline.transformer.enable_cache(FirstBlockCacheConfig(threshold=mean(thresholds)))
        try:
            images = self._pipeline(
                [one.prompt for one in wanted],
                width=first.width,
                height=first.height,
                num_inference_steps=first.steps,
                guidance_scale=first.guidance,
                max_sequence_length=self._text_length,
                generator=[torch.Generator().manual_seed(one.seed) for one in wanted],
            ).images
        finally:
            if thresholds:
                self._pipeline.transformer.disable_cache()
        work = {"blocks_run": self._blocks_run, "blocks_total": first.steps * self._blocks_a_step}
        return [{"data": [{"b64_json": encoded(image)}], "cache": work} for image in images]


def encoded(image: Any) -> str:
    """PNG as base64."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
