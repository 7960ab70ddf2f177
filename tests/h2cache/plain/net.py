"""A model's blocks one by one, and the relative change by which most methods decide."""

# mypy: ignore-errors
# Plain formulas, without types on purpose.

import torch


class Net:
    """One step's embedded inputs of a FluxTransformer2DModel, and its blocks by number."""

    def __init__(self, model, latents, prompt_embeds, pooled, timestep, guidance, img_ids, txt_ids):
        self.model, self.latents = model, latents
        self.img, self.txt = model.x_embedder(latents), model.context_embedder(prompt_embeds)
        self.temb = model.time_text_embed(timestep * 1000, guidance * 1000, pooled)
        self.rope = model.pos_embed(torch.cat([txt_ids, img_ids]))
        self.all = [*model.transformer_blocks, *model.single_transformer_blocks]
        self.count = 0

    def run(self, txt, img, first, end):
        for block in self.all[first:end]:
            txt, img = block(img, txt, self.temb, self.rope)
            self.count += 1
        return txt, img

    def modulated(self):
        return self.all[0].norm1(self.img, emb=self.temb)[0]

    def head(self, img):
        return self.model.proj_out(self.model.norm_out(img, self.temb))


def net_at(model, request, k, latents, shape):
    """In step k of a request, whose latents (T, D) have come so far."""
    tokens, vector = request.text(shape.text, latents.dtype)
    timestep, guidance = latents.new_tensor([1 - k / request.num_steps]), latents.new_tensor([request.guidance])
    return Net(model, latents[None], tokens[None], vector[None], timestep, guidance, *shape.ids())


def change(new, old):
    return float((new.float() - old.float()).abs().mean() / old.float().abs().mean())
