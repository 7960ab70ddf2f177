"""Caches of diffusers, which would skip blocks under ours."""

from torch import nn

from h2cache.errors import H2CacheError


def refuse_enabled_cache(model: nn.Module) -> None:
    """Raise H2CacheError where ``enable_cache`` was called on the model."""
    if getattr(model, "is_cache_enabled", False):
        kind = type(getattr(model, "_cache_config", None)).__name__
        raise H2CacheError(
            f"the transformer has diffusers' {kind} enabled, allowed is none: disable_cache() ends it"
        )


def refuse_any_cache(model: nn.Module) -> None:
    """The same, also where a cache's hooks were put on by hand: they keep state between calls."""
    refuse_enabled_cache(model)
    for name, module in model.named_modules():
        registry = getattr(module, "_diffusers_hook", None)
        for kind, hook in registry.hooks.items() if registry else ():
            if hook._is_stateful:
                raise H2CacheError(f"{name or 'the transformer'} has diffusers' hook {kind!r}, which keeps state")
