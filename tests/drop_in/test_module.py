"""The wrapper as a component of pipelines, and as a module."""

import copy
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import cpu_offload_with_hook  # type: ignore[import-untyped]  # accelerate has no types
from diffusers import (
    FirstBlockCacheConfig,
    FluxImg2ImgPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
    UNet2DModel,
)
from diffusers.hooks import apply_first_block_cache

from h2cache import H2Cache, H2CacheError, H2Stats
from tests.drop_in.pipes import (
    ALL,
    MIXED,
    NOTHING,
    Parts,
    add_lora,
    arguments,
    latents,
    letters,
    lively_transformer,
)


def test_without_h2cache_it_is_the_plain_model(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    wanted = latents(parts.text_to_image(transformer))
    assert torch.equal(latents(parts.text_to_image(H2Cache(transformer))), wanted)


def test_without_h2cache_gradients_flow(transformer: FluxTransformer2DModel) -> None:
    H2Cache(transformer)(**arguments()).sample.sum().backward()
    assert transformer.x_embedder.weight.grad is not None


def test_positions_of_arguments_are_the_models(transformer: FluxTransformer2DModel) -> None:
    given, wrapped = arguments(), H2Cache(transformer)
    names = list(inspect.signature(FluxTransformer2DModel.forward).parameters)[1:]
    in_order = [given.get(name) for name in names[:7]]
    with torch.no_grad():
        wanted = transformer(**given).sample
        assert torch.equal(wrapped(*in_order).sample, wanted)
        assert torch.equal(wrapped(*in_order, {"h2cache": NOTHING}).sample, wanted)
        (in_a_tuple,) = wrapped(*in_order, {"h2cache": NOTHING}, return_dict=False)
    assert torch.equal(in_a_tuple, wanted)
    with pytest.raises(TypeError, match="picture"):
        wrapped(**given, picture=1)


def test_config_dtype_and_device_are_the_models(transformer: FluxTransformer2DModel) -> None:
    wrapped = H2Cache(transformer)
    assert wrapped.config is transformer.config
    assert (wrapped.dtype, wrapped.device) == (torch.float32, torch.device("cpu"))
    wrapped.to(torch.float64)
    assert (wrapped.dtype, transformer.dtype) == (torch.float64, torch.float64)
    with wrapped.cache_context("cond", step_index=1):
        assert not hasattr(transformer, "_diffusers_hook")


def test_a_pipeline_moves_it(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    pipeline = FluxPipeline(**{**parts.text_to_image(transformer).components, "vae": None})
    pipeline.transformer = H2Cache(transformer)
    pipeline.text_encoder = pipeline.text_encoder_2 = None
    pipeline.to(torch.float64)
    assert transformer.dtype is torch.float64
    assert pipeline.device == torch.device("cpu")


def test_a_pipeline_hands_it_on_to_another_kind(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    pipeline = parts.text_to_image(transformer)
    pipeline.transformer = wrapped = H2Cache(transformer)
    assert FluxImg2ImgPipeline.from_pipe(pipeline).transformer is wrapped


def test_save_pretrained_writes_the_inner_model(transformer: FluxTransformer2DModel, tmp_path: Path) -> None:
    H2Cache(transformer).save_pretrained(tmp_path)
    loaded = FluxTransformer2DModel.from_pretrained(tmp_path)
    assert loaded.config.num_single_layers == 3
    for name, weight in transformer.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_a_pipeline_is_saved_with_the_inner_model_put_back(
    parts: Parts, transformer: FluxTransformer2DModel, tmp_path: Path
) -> None:
    pipeline = parts.text_to_image(H2Cache(transformer))
    pipeline.transformer = pipeline.transformer.model
    pipeline.save_pretrained(tmp_path)
    loaded = FluxPipeline.from_pretrained(tmp_path)
    assert isinstance(loaded.transformer, FluxTransformer2DModel)


def test_a_copy_has_the_weights_and_no_runs(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    wrapped = H2Cache(transformer)
    twin = copy.deepcopy(wrapped)
    assert twin.model is not wrapped.model
    assert torch.equal(latents(parts.text_to_image(twin), MIXED), latents(parts.text_to_image(wrapped), MIXED))


def test_it_refuses_a_model_with_a_cache_of_diffusers(transformer: FluxTransformer2DModel) -> None:
    transformer.enable_cache(FirstBlockCacheConfig(threshold=0.1))
    with pytest.raises(H2CacheError, match=r"FirstBlockCacheConfig enabled, allowed is none"):
        H2Cache(transformer)
    transformer.disable_cache()
    H2Cache(transformer)


def test_it_refuses_hooks_of_a_cache_put_on_by_hand(transformer: FluxTransformer2DModel) -> None:
    apply_first_block_cache(transformer, FirstBlockCacheConfig(threshold=0.1))
    with pytest.raises(H2CacheError, match=r"transformer_blocks\.0 has diffusers' hook"):
        H2Cache(transformer)


def test_it_refuses_calls_once_a_cache_of_diffusers_is_enabled(
    parts: Parts, transformer: FluxTransformer2DModel
) -> None:
    wrapped = H2Cache(transformer)
    wrapped.enable_cache(FirstBlockCacheConfig(threshold=0.1))
    for said in (MIXED, None):
        with pytest.raises(H2CacheError, match="FirstBlockCacheConfig enabled"):
            latents(parts.text_to_image(wrapped), said)


def test_it_refuses_a_model_without_an_adapter() -> None:
    model = UNet2DModel(
        block_out_channels=(8,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        norm_num_groups=4,
    )
    with pytest.raises(H2CacheError, match="UNet2DModel, allowed are FluxTransformer2DModel"):
        H2Cache(model)


def test_what_the_model_has_can_be_asked_of_the_wrapper(transformer: FluxTransformer2DModel) -> None:
    wrapped = H2Cache(transformer)
    assert wrapped.attn_processors.keys() == transformer.attn_processors.keys()
    assert wrapped.inner_dim == 32
    with pytest.raises(AttributeError, match="nonsense"):
        _ = wrapped.nonsense


def test_lora_weights_are_loaded_set_and_unloaded_through_the_wrapper(
    parts: Parts, transformer: FluxTransformer2DModel, tmp_path: Path
) -> None:
    trained = lively_transformer()
    add_lora(trained)
    layers = pytest.importorskip("peft.utils").get_peft_model_state_dict(trained)
    FluxPipeline.save_lora_weights(tmp_path, transformer_lora_layers=layers)
    plain, wrapped = parts.text_to_image(lively_transformer()), parts.text_to_image(H2Cache(transformer))
    without = latents(plain)
    for pipeline in (plain, wrapped):
        pipeline.load_lora_weights(tmp_path, adapter_name="red")
        pipeline.transformer.set_adapters(["red"], [0.3])
    assert torch.equal(latents(wrapped, NOTHING), latents(plain))
    assert not torch.equal(latents(plain), without)
    wrapped.transformer.unload_lora()
    assert torch.equal(latents(wrapped, NOTHING), without)


def test_a_hook_of_offloading_goes_on_the_wrapper(parts: Parts, transformer: FluxTransformer2DModel) -> None:
    """As ``enable_model_cpu_offload`` puts it on, here from the CPU to the CPU."""
    wrapped, _ = cpu_offload_with_hook(H2Cache(transformer), "cpu")
    got = latents(parts.text_to_image(wrapped), MIXED)
    assert torch.equal(got, latents(parts.text_to_image(H2Cache(transformer)), MIXED))
    assert not torch.equal(got, latents(parts.text_to_image(transformer)))


def test_a_hook_on_the_model_is_not_taken_for_one_on_the_wrapper(transformer: FluxTransformer2DModel) -> None:
    transformer._hf_hook = "offloads the model"
    assert not hasattr(H2Cache(transformer), "_hf_hook")


def test_the_runs_go_with_their_tensors(transformer: FluxTransformer2DModel) -> None:
    wrapped, stats = H2Cache(transformer), H2Stats()
    said: dict[str, Any] = {"h2cache": {**ALL, "stats": stats}}
    given = arguments()
    for _ in range(2):
        wrapped(**given, joint_attention_kwargs=said)
    given["img_ids"] = given["img_ids"].clone()
    assert len(wrapped.runs) == 0
    wrapped(**given, joint_attention_kwargs=said)
    assert len(wrapped.runs) == 1
    assert [letters(log) for log in stats.samples] == ["fs", "fs", "f", "f"]
    del given
    assert len(wrapped.runs) == 0
