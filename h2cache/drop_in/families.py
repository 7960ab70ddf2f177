"""How pipelines call each class of transformers: adding a family to the drop-in is a row here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from diffusers import Flux2Transformer2DModel, Flux3Transformer2DModel, FluxTransformer2DModel
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModelOutput
from torch import Tensor, nn

from h2cache.drop_in.called import Called
from h2cache.drop_in.flux1_call import flux1_call
from h2cache.drop_in.flux2_call import flux2_call
from h2cache.drop_in.flux3_call import flux3_call
from h2cache.errors import H2CacheError
from h2cache.family import FluxModel, StepInputs


@dataclass(frozen=True, slots=True)
class Family:
    """``prepare`` turns a call into a step, and ``output`` is what a call gives unless a tuple is asked for.

    ``told_by`` names the arguments whose tensors stay the same through one branch of one call, and of which at
    least one is another in any other branch or call. ``told_in`` is the argument that has ``h2cache``.
    """

    prepare: Callable[[Any, Called, tuple[int, int] | None], tuple[FluxModel, StepInputs]]
    told_by: tuple[str, ...]
    output: Callable[..., Any]
    told_in: str = "joint_attention_kwargs"

    def telling_tensors(self, called: Called) -> tuple[Tensor, ...]:
        """The tensors whose identity tells the branch of a call."""
        return tuple(called.tensor(name) for name in self.told_by)


# FluxPipeline makes img_ids for a call and txt_ids for a branch. FluxImg2ImgPipeline and FluxControlNetPipeline
# pass the same txt_ids for both branches of true CFG: there the prompt's embeddings tell them apart. FLUX.2's
# pipelines make txt_ids for a branch too, and with reference images they make img_ids anew in each step. FLUX.3's
# blocks make img_ids for a call and txt_ids for a branch.
FAMILIES: Mapping[type[nn.Module], Family] = {
    FluxTransformer2DModel: Family(
        flux1_call, ("img_ids", "txt_ids", "encoder_hidden_states"), Transformer2DModelOutput
    ),
    Flux2Transformer2DModel: Family(
        flux2_call, ("txt_ids", "encoder_hidden_states"), Flux2Transformer2DModelOutput
    ),
    Flux3Transformer2DModel: Family(
        flux3_call, ("img_ids", "txt_ids", "encoder_hidden_states"), Transformer2DModelOutput, "attention_kwargs"
    ),
}


def family_of(model: nn.Module) -> Family:
    """The model's family. Raises H2CacheError, which says what is allowed."""
    for kind, family in FAMILIES.items():
        if isinstance(model, kind):
            return family
    allowed = ", ".join(kind.__name__ for kind in FAMILIES)
    raise H2CacheError(f"the transformer is a {type(model).__name__}, allowed are {allowed}")
