"""How a block's module is called: as it is, or compiled so that no decision of a sample compiles again."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from h2cache.family import Conditioning

BlockCall = Callable[[nn.Module, Mapping[str, Any], Mapping[str, Any]], tuple[Tensor, Tensor]]
"""(module, inputs that have a row a sample, inputs that all samples share) -> text (B, S, D), image (B, T, D)."""

AttentionKwargs = Callable[[Conditioning], dict[str, Any] | None]
"""What a block's attention processor is told besides, for the samples that the conditioning has."""


def no_attention(conditioning: Conditioning) -> None:
    """Nothing is told besides."""


def call_block(
    module: nn.Module, per_sample: Mapping[str, Any], shared: Mapping[str, Any]
) -> tuple[Tensor, Tensor]:
    """As it is."""
    txt, img = module(**per_sample, **shared)
    return txt, img


class CompiledBlocks:
    """Blocks under torch.compile: a graph for each kind of block, at batch 1 and at any larger batch.

    Rows leave and return, so the batch's size is left open in the graph of more than one row, and inputs are laid
    out the same wherever they come from: views of a batch, stacked rows, or another block. Blocks are compiled one
    by one, not as ranges: which ones run together changes with the methods of a batch, and the blocks of a kind
    share their graphs. ``options`` are torch.compile's.
    """

    def __init__(self, **options: Any) -> None:
        self._run = torch.compile(_contiguous_outputs, **options)

    def __call__(
        self, module: nn.Module, per_sample: Mapping[str, Any], shared: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor]:
        """See BlockCall."""
        num_rows = len(per_sample["hidden_states"])
        return self._run(module, _laid_out(dict(per_sample), num_rows), dict(shared))


def _contiguous_outputs(
    module: nn.Module, per_sample: dict[str, Any], shared: dict[str, Any]
) -> tuple[Tensor, Tensor]:
    """A single-stream block gives two views of one tensor: in the graph their copies cost no pass of their own."""
    txt, img = module(**per_sample, **shared)
    return txt.contiguous(), img.contiguous()


def _laid_out(value: Any, num_rows: int) -> Any:
    """Tensors with a row a sample as the graphs expect them, wherever they are in dicts and lists."""
    if isinstance(value, dict):
        return {key: _laid_out(each, num_rows) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_laid_out(each, num_rows) for each in value)
    if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != num_rows:
        return value
    # A row of a batch keeps the batch's stride, and a view its base: graphs look at both. ``data`` has no base.
    laid_out = (value[0].contiguous().unsqueeze(0) if num_rows == 1 else value.contiguous()).data
    if num_rows > 1:
        torch._dynamo.maybe_mark_dynamic(laid_out, 0)
    return laid_out
