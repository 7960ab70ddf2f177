"""The text side: a small T5-type encoder for the token stream and a CLIP-type one for the pooled vector.

Both are trained together with the transformer. FluxPipeline gives T5 no attention mask, nor does training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

from nano.tokenizers import TEXT_LENGTH, build_clip_tokenizer, build_t5_tokenizer

TOKEN_WIDTH = 128
POOLED_WIDTH = 64


@dataclass(frozen=True)
class TextIds:
    """Token ids of N prompts, for T5 and for CLIP: N 16 each."""

    t5: Tensor
    clip: Tensor

    def rows(self, index: Tensor) -> "TextIds":
        """The ids of some of the prompts."""
        return TextIds(self.t5[index], self.clip[index])


class TextEncoders(nn.Module):
    """Both encoders; forward gives tokens B 16 128 and pooled B 64."""

    def __init__(self) -> None:
        super().__init__()
        self.t5 = T5EncoderModel(t5_config())
        self.clip = CLIPTextModel(clip_config())

    def forward(self, ids: TextIds) -> tuple[Tensor, Tensor]:
        tokens = self.t5(ids.t5, output_hidden_states=False)[0]
        return tokens, self.clip(ids.clip).pooler_output


def t5_config() -> T5Config:
    """Two layers whose relative positions tell single words apart."""
    return T5Config(
        vocab_size=len(build_t5_tokenizer()),
        d_model=TOKEN_WIDTH,
        d_kv=32,
        d_ff=256,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=32,
        relative_attention_max_distance=32,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        tie_word_embeddings=False,
    )


def clip_config() -> CLIPTextConfig:
    """One layer; the pooled vector is the state at the first end mark."""
    tokenizer = build_clip_tokenizer()
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=POOLED_WIDTH,
        intermediate_size=2 * POOLED_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=TEXT_LENGTH,
        projection_dim=POOLED_WIDTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def tokenize(prompts: Sequence[str]) -> TextIds:
    """Ids padded to 16, as FluxPipeline makes them with `max_sequence_length=16`."""

    def ids(tokenizer: object) -> Tensor:
        padded = tokenizer(list(prompts), padding="max_length", max_length=TEXT_LENGTH, truncation=True)  # type: ignore[operator]  # transformers' tokenizers have no common typed call
        return torch.tensor(padded.input_ids)

    return TextIds(ids(build_t5_tokenizer()), ids(build_clip_tokenizer()))
