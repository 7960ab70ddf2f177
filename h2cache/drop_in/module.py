"""The module that stands in for a pipeline's transformer."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from h2cache.block_call import BlockCall, CompiledBlocks, call_block
from h2cache.drop_in.called import Called
from h2cache.drop_in.diffusers_caches import refuse_any_cache, refuse_enabled_cache
from h2cache.drop_in.families import family_of
from h2cache.drop_in.grid import grid_of_ids
from h2cache.drop_in.lora import LoraTurns
from h2cache.drop_in.runs import Runs, follow, start
from h2cache.drop_in.settings import read_settings
from h2cache.flux import flux_model
from h2cache.step import denoise_step

HOOKS = frozenset({"_diffusers_hook", "_hf_hook", "_old_forward"})
"""Attributes that a hook keeps on the very module that it is on."""


class H2Cache(nn.Module):
    """A diffusers transformer under H2-Cache; the model itself is ``model`` and is not changed.

        pipe.transformer = H2Cache(pipe.transformer)
        pipe(prompt, joint_attention_kwargs={"h2cache": {"tau1": 0.15, "tau2": 0.22}})

    Takes what the model takes. Without ``h2cache`` among the attention's keyword arguments it is the plain model;
    with it each row of the batch decides for itself, as ``h2cache.drop_in.settings`` reads the setting. Inference
    only. Calls and their branches are told apart by the tensors that a pipeline makes anew for each call
    (``h2cache.drop_in.families``), so that several threads, each with a pipeline of its own, may share one.
    What it does not have itself is asked of the model: ``config``, LoRA and IP-adapter loading, and so on.
    Raises H2CacheError for a model of a class without a family, or with a cache of diffusers.
    """

    model: Any

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._family = family_of(model)
        refuse_any_cache(model)
        self.model = model
        self._signature = inspect.signature(type(model).forward)
        self.forward = with_signature(self._forward, self._signature)
        self._see(call_block)
        self._lora = LoraTurns()
        self.runs = Runs()

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        """As the model's forward: the velocity (B, T, C), in its class of output or in a tuple."""
        refuse_enabled_cache(self.model)
        called = Called(self._signature.bind(self.model, *args, **kwargs).arguments, self._call)
        attention = called.get(self._family.told_in) or {}
        if "h2cache" not in attention:
            return self._plain(*args, **kwargs)
        with self._lora.scaled(self.model, attention.get("scale", 1.0)):
            velocity = self._step(called, attention["h2cache"])
        wants_tuple = called.get("return_dict") is False
        return (velocity,) if wants_tuple else self._family.output(sample=velocity)

    def _plain(self, *args: Any, **kwargs: Any) -> Any:
        with self._lora.turn(self.model):
            return self.model(*args, **kwargs)

    def _step(self, called: Called, said: object) -> Tensor:
        """The next step of the run that the call belongs to."""
        wanted = read_settings(said, called.num_rows)
        tensors = self._family.telling_tensors(called)
        run = self.runs.get(tensors)
        run = start(wanted) if run is None else follow(run, wanted)
        if run.needs_grid and run.grid is None:
            run = replace(run, grid=grid_of_ids(called.ids("img_ids")))
        model, inputs = self._family.prepare(self._view, called, run.grid)
        result = denoise_step(model, inputs, [row.cache for row in run.rows])
        self.runs.put(tensors, run.after(result))
        return result.velocity

    def _see(self, call: BlockCall) -> None:
        self._call, self._view = call, flux_model(self.model, call)

    def compile_blocks(self, **options: Any) -> "H2Cache":
        """Run the blocks of calls with ``h2cache`` under torch.compile, with its ``options``; gives itself."""
        self._see(CompiledBlocks(**options))
        return self

    @contextmanager
    def cache_context(self, name: str, **where: Any) -> Iterator[None]:
        """What pipelines enter around a branch. Does nothing: the tensors of a call tell its branch."""
        yield

    def save_pretrained(self, *args: Any, **kwargs: Any) -> Any:
        """Save the model, as if it were not wrapped."""
        return self.model.save_pretrained(*args, **kwargs)

    @property
    def config(self) -> Any:
        """The model's."""
        return self.model.config

    @property
    def dtype(self) -> torch.dtype:
        """The model's."""
        dtype: torch.dtype = self.model.dtype
        return dtype

    @property
    def device(self) -> torch.device:
        """The model's."""
        device: torch.device = self.model.device
        return device

    def __getattr__(self, name: str) -> Any:
        """Own submodules first, then whatever the model has."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in HOOKS or name == "model":
                raise
            return getattr(self.model, name)

    def __reduce__(self) -> tuple[type["H2Cache"], tuple[nn.Module]]:
        """A copy has the model's copy and no runs."""
        return H2Cache, (self.model,)


def with_signature(call: Callable[..., Any], method: inspect.Signature) -> Callable[..., Any]:
    """The call, saying that it takes what the method takes: FLUX.3's blocks give what they find named there."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    _, *taken = method.parameters.values()  # without self
    forward.__signature__ = method.replace(parameters=taken)  # type: ignore[attr-defined]  # read by inspect
    return forward
