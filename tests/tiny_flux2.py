"""Tiny random FLUX.2 pipelines on disk, nothing downloaded: klein with a Qwen3, dev with a Mistral or without.

The parts are the real classes at a small width. The text encoders have as many layers as the pipelines look into.
Mistral's processor of words and images needs torchvision, so that here a tokenizer of words stands in for it.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Pipeline, Flux2Transformer2DModel
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import (
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralConfig,
    PixtralVisionConfig,
    PreTrainedTokenizerFast,
    Qwen2TokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from server.engine.families.flux2 import PROMPTS_FILE
from tests.tiny_flux import dev_scheduler

TEXT_WIDTH = 8
"""Of a text encoder; the transformer is given the states of three layers."""
CHAT = "{% for message in messages %}<|im_start|>{{ message.content }}<|im_end|>{% endfor %}"
WORDS = (
    "{% for message in messages[1:] %}{% for part in message.content %}{{ part.text }} {% endfor %}{% endfor %}"
)


def save_tiny_klein(folder: Path, *, is_distilled: bool = False) -> Path:
    """Write a random klein into ``folder``: the base model, which takes classifier-free guidance, or distilled."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = Flux2KleinPipeline(
            scheduler=dev_scheduler(),
            vae=tiny_vae(),
            text_encoder=tiny_qwen3(),
            tokenizer=qwen_tokenizer(),
            transformer=tiny_transformer(guidance_embeds=False),
            is_distilled=is_distilled,
        )
    pipeline.save_pretrained(folder)
    return folder


def save_tiny_dev(folder: Path) -> Path:
    """Write a random dev into ``folder``, with its text encoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = Flux2Pipeline(
            scheduler=dev_scheduler(),
            vae=tiny_vae(),
            text_encoder=tiny_mistral(),
            tokenizer=word_tokenizer(),
            transformer=tiny_transformer(guidance_embeds=True),
        )
    pipeline.save_pretrained(folder)
    return folder


def save_tiny_dev_by_embeddings(folder: Path, text_tokens: dict[str, int]) -> Path:
    """Write a random dev without text encoder, that has embeddings of prompts, of so many tokens each."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = Flux2Pipeline(
            scheduler=dev_scheduler(),
            vae=tiny_vae(),
            text_encoder=None,
            tokenizer=None,
            transformer=tiny_transformer(guidance_embeds=True),
        )
        embeddings: dict[str, Tensor] = {
            prompt: torch.randn(tokens, 3 * TEXT_WIDTH) for prompt, tokens in text_tokens.items()
        }
    pipeline.save_pretrained(folder)
    save_file(embeddings, folder / PROMPTS_FILE)
    return folder


def tiny_transformer(guidance_embeds: bool) -> Flux2Transformer2DModel:
    """Width 32 with FLUX.2's 128 packed channels; the head is widened so that steps move the latents visibly."""
    transformer = Flux2Transformer2DModel(
        in_channels=128,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * TEXT_WIDTH,
        timestep_guidance_channels=32,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guidance_embeds,
    )
    torch.nn.init.normal_(transformer.proj_out.weight, std=0.2)
    return transformer.eval()


def tiny_vae() -> AutoencoderKLFlux2:
    """8x, 32 latent channels, a batch norm that has seen something; the last layer is widened for contrast."""
    vae = AutoencoderKLFlux2(
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, latent_channels=32
    )
    torch.nn.init.normal_(vae.decoder.conv_out.weight, std=0.1)
    torch.nn.init.normal_(vae.bn.running_mean, std=0.5)
    torch.nn.init.uniform_(vae.bn.running_var, 0.5, 2.0)
    return vae.eval()


def tiny_qwen3() -> Qwen3ForCausalLM:
    """28 layers for ``qwen_tokenizer``."""
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(qwen_vocabulary()),
            hidden_size=TEXT_WIDTH,
            intermediate_size=16,
            num_hidden_layers=28,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=4,
            tie_word_embeddings=True,
            eos_token_id=0,
        )
    ).eval()


def qwen_vocabulary() -> dict[str, int]:
    """Bytes, and the marks of a chat."""
    pieces = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    return {piece: index for index, piece in enumerate(pieces)}


def qwen_tokenizer() -> Qwen2TokenizerFast:
    """Byte-pair encoding without merges, and a short chat template."""
    tokenizer = Qwen2TokenizerFast(
        vocab=qwen_vocabulary(), merges=[], additional_special_tokens=["<|im_start|>", "<|im_end|>"]
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def tiny_mistral() -> Mistral3ForConditionalGeneration:
    """30 layers for ``word_tokenizer``, and a vision tower that nobody asks."""
    text = MistralConfig(
        vocab_size=len(words()),
        hidden_size=TEXT_WIDTH,
        intermediate_size=16,
        num_hidden_layers=30,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
    )
    vision = PixtralVisionConfig(
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    config = Mistral3Config(text_config=text.to_dict(), vision_config=vision.to_dict())
    return Mistral3ForConditionalGeneration(config).eval()


def words() -> dict[str, int]:
    """A few."""
    pieces = ["<unk>", "<pad>", "a", "b", "red", "blue", "cat", "sick", "long", "one", ",", "You", "are"]
    return {piece: index for index, piece in enumerate(pieces)}


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, and a template that leaves the system message out, since few tokens are left in tests."""
    tokenizer = Tokenizer(models.WordLevel(words(), unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", model_max_length=512
    )
    fast.chat_template = WORDS
    return fast
