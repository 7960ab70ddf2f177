"""The transformer: diffusers' FluxTransformer2DModel with 5 + 10 blocks, and how it is run in training."""

from typing import Any

import torch
from diffusers.models.embeddings import apply_rotary_emb
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from torch import Tensor, nn
from torch.nn import functional as F

from nano.palette import COLORS
from nano.settings import FluxSettings
from nano.shapes import SHAPES
from nano.text import POOLED_WIDTH, TOKEN_WIDTH
from nano.tokenizers import TEXT_LENGTH

LATENT_CHANNELS = 16
PACKED = 4 * LATENT_CHANNELS


def build_flux(settings: FluxSettings) -> FluxTransformer2DModel:
    """An untrained model; the guidance scale is an input, as in FLUX.1-dev."""
    return FluxTransformer2DModel(
        patch_size=1,
        in_channels=PACKED,
        num_layers=settings.double_blocks,
        num_single_layers=settings.single_blocks,
        attention_head_dim=settings.head_width,
        num_attention_heads=settings.heads,
        joint_attention_dim=TOKEN_WIDTH,
        pooled_projection_dim=POOLED_WIDTH,
        guidance_embeds=True,
        axes_dims_rope=(16, 24, 24),
    )


def pack(latents: Tensor) -> Tensor:
    """B 16 h w -> B hw/4 64, patches of 2x2 as in FLUX.1."""
    b, c, h, w = latents.shape
    patches = latents.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(b, (h // 2) * (w // 2), c * 4)


def unpack(packed: Tensor, h: int, w: int) -> Tensor:
    """B hw/4 64 -> B 16 h w."""
    patches = packed.view(packed.shape[0], h // 2, w // 2, LATENT_CHANNELS, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return patches.reshape(packed.shape[0], LATENT_CHANNELS, h, w)


def image_ids(rows: int, columns: int) -> Tensor:
    """Position ids of the image tokens: (rows*columns) 3."""
    ids = torch.zeros(rows, columns, 3)
    ids[..., 1] = torch.arange(rows)[:, None]
    ids[..., 2] = torch.arange(columns)[None, :]
    return ids.view(-1, 3)


class Float32Attention:
    """Flux attention with the product in float32: its bfloat16 backward is slow on CPUs. Training only."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        def heads(x: Tensor) -> Tensor:
            split: Tensor = x.unflatten(-1, (attn.heads, -1))
            return split

        q = attn.norm_q(heads(attn.to_q(hidden_states)))
        k = attn.norm_k(heads(attn.to_k(hidden_states)))
        v = heads(attn.to_v(hidden_states))
        if encoder_hidden_states is not None:
            q = torch.cat([attn.norm_added_q(heads(attn.add_q_proj(encoder_hidden_states))), q], 1)
            k = torch.cat([attn.norm_added_k(heads(attn.add_k_proj(encoder_hidden_states))), k], 1)
            v = torch.cat([heads(attn.add_v_proj(encoder_hidden_states)), v], 1)
        q = apply_rotary_emb(q, image_rotary_emb, sequence_dim=1)
        k = apply_rotary_emb(k, image_rotary_emb, sequence_dim=1)
        with torch.autocast("cpu", enabled=False):
            q, k, v = (x.float().transpose(1, 2) for x in (q, k, v))
            out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        out = out.to(hidden_states.dtype)
        if encoder_hidden_states is None:
            return out
        text = encoder_hidden_states.shape[1]
        return attn.to_out[0](out[:, text:]), attn.to_add_out(out[:, :text])


class Trainee(nn.Module):
    """The transformer with a training-only head that reads shape and colour off the image tokens.

    The head looks at the tokens after the double blocks and has to tell what the clean scene has there, so
    that the text's words bind to places early (the idea of REPA, arXiv 2410.06940, with labels for features).
    """

    def __init__(self, flux: FluxTransformer2DModel) -> None:
        super().__init__()
        self.flux = flux
        self.reader = nn.Linear(flux.inner_dim, len(SHAPES) + 1 + len(COLORS))

    def forward(
        self, latents: Tensor, tokens: Tensor, pooled: Tensor, sigma: Tensor, guidance: Tensor, ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Velocity B T 64 and label logits B T 19, as FluxTransformer2DModel.forward computes the former."""
        flux = self.flux
        img = flux.x_embedder(latents)
        temb = flux.time_text_embed(sigma * 1000, guidance * 1000, pooled)
        txt = flux.context_embedder(tokens)
        rotary = flux.pos_embed(torch.cat([torch.zeros(TEXT_LENGTH, 3), ids]))
        for block in flux.transformer_blocks:
            txt, img = block(img, txt, temb, rotary)
        labels = self.reader(img)
        for block in flux.single_transformer_blocks:
            txt, img = block(img, txt, temb, rotary)
        return flux.proj_out(flux.norm_out(img, temb)), labels
