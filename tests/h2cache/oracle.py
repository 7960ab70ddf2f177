"""H2-Cache for one sample in the plainest way, from the formulas; shares nothing with the library."""

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel


def pooled(r: torch.Tensor, pool_size: int) -> torch.Tensor:
    """r (1, N, C): non-overlapping square windows over tokens x channels, averaged; in float32."""
    s = max(1, r.shape[1] // pool_size)
    t = min(s, r.shape[2])
    n, c = r.shape[1] // s, r.shape[2] // t
    return r.float()[0, : n * s, : c * t].reshape(n, s, c, t).mean(dim=(1, 3))


def distance(old: torch.Tensor, new: torch.Tensor) -> float:
    return float((old - new).abs().mean() / old.abs().mean())


class Oracle:
    """One sample of one transformer; thresholds and guards as the caller gives them."""

    def __init__(self, model, num_steps, tau1, tau2, warmup, last_full, max_consecutive):  # type: ignore[no-untyped-def]  # plain formulas
        self.model: FluxTransformer2DModel = model
        self.tau1, self.tau2, self.num_steps = tau1, tau2, num_steps
        self.warmup, self.last_full = warmup, last_full
        self.cap = float("inf") if max_consecutive is None else max_consecutive
        self.step = self.row1 = self.row2 = 0
        self.p1 = self.p2 = self.R1_img = self.R1_txt = self.R2_img = self.R2_txt = None

    def __call__(self, latents, prompt_embeds, pooled_text, timestep, guidance, img_ids, txt_ids):  # type: ignore[no-untyped-def]  # as above
        """Everything with a batch of one. Returns velocity, outcome, d1, d2."""
        m = self.model
        img, txt = m.x_embedder(latents), m.context_embedder(prompt_embeds)
        if guidance is None:
            temb = m.time_text_embed(timestep * 1000, pooled_text)
        else:
            temb = m.time_text_embed(timestep * 1000, guidance * 1000, pooled_text)
        rope = m.pos_embed(torch.cat([txt_ids, img_ids]))
        guarded = self.step < self.warmup or (self.last_full and self.step == self.num_steps - 1)
        must1 = guarded or self.row1 >= self.cap or self.row2 >= self.cap
        must2 = guarded or self.row2 >= self.cap

        txt0, img0 = m.transformer_blocks[0](img, txt, temb, rope)
        p, d1, d2 = pooled(img0 - img, 2048), None, None
        if self.p1 is not None:
            d1 = distance(self.p1, p)
        hit1 = d1 is not None and d1 < self.tau1 and not must1
        if hit1:
            img, txt = img0 + self.R1_img, txt0 + self.R1_txt
        else:
            img, txt = img0, txt0
            for block in m.transformer_blocks[1:]:
                txt, img = block(img, txt, temb, rope)
            self.p1, self.R1_img, self.R1_txt = p, img - img0, txt - txt0

        txt0, img0 = m.single_transformer_blocks[0](img, txt, temb, rope)
        p = pooled(torch.cat([txt0, img0], 1) - torch.cat([txt, img], 1), 384)
        if not hit1 and self.p2 is not None:
            d2 = distance(self.p2, p)
        hit2 = hit1 or (d2 is not None and d2 < self.tau2 and not must2)
        if hit2:
            img, txt = img0 + self.R2_img, txt0 + self.R2_txt
        else:
            img, txt = img0, txt0
            for block in m.single_transformer_blocks[1:]:
                txt, img = block(img, txt, temb, rope)
            self.p2, self.R2_img, self.R2_txt = p, img - img0, txt - txt0
        self.row1, self.row2 = (self.row1 + 1 if hit1 else 0), (self.row2 + 1 if hit2 else 0)
        self.step += 1
        outcome = "structure_hit" if hit1 else "detail_hit" if hit2 else "full"
        return m.proj_out(m.norm_out(img, temb)), outcome, d1, d2
