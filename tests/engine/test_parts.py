"""The engine's rules and parts, one by one."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from server.engine.loader import LoadedModel, load_model, resolve_dtype
from server.engine.memory import available_bytes
from server.engine.scheduler import Shape, choose_shape, num_admitted
from server.engine.text_encoder import TextEncoder
from server.errors import ModelLoadError
from tests.tiny_flux import TEXT_LENGTH, save_tiny_flux
from tests.tiny_flux2 import save_tiny_dev, save_tiny_klein

SHAPES = st.tuples(st.integers(4, 12), st.integers(4, 12), st.integers(1, 3))


@given(st.sets(SHAPES, min_size=1, max_size=5), st.integers(1, 40))
def test_no_shape_starves(shapes: set[Shape], turns: int) -> None:
    last = dict.fromkeys(shapes, 0)
    chosen: Counter[Shape] = Counter()
    for turn in range(1, turns + 1):
        shape = choose_shape(last)
        assert shape is not None
        last[shape] = turn
        chosen[shape] += 1
    counts = [chosen[shape] for shape in shapes]
    assert max(counts) - min(counts) <= 1


def test_nothing_is_chosen_where_nothing_runs() -> None:
    assert choose_shape({}) is None


@given(
    st.lists(st.integers(0, 100), max_size=12),
    st.integers(0, 200),
    st.integers(0, 9),
    st.integers(1, 9),
    st.integers(1, 300),
)
def test_admission_keeps_the_order_the_batch_and_the_budget(
    needed: list[int], running_bytes: int, running: int, max_batch: int, budget: int
) -> None:
    count = num_admitted(needed, running_bytes, running, max_batch, budget)
    assert 0 <= count <= len(needed)
    if count:
        assert running + count <= max_batch
        alone = running == 0 and count == 1
        assert alone or running_bytes + sum(needed[:count]) <= budget or running == 0
    if running == 0 and needed:
        assert count >= 1


def test_embeddings_are_remembered_within_the_bound_and_the_oldest_go_first(dev: LoadedModel) -> None:
    one = TextEncoder(dev, TEXT_LENGTH, 2**30).encode("a").nbytes
    encoder = TextEncoder(dev, TEXT_LENGTH, 2 * one)
    first = encoder.encode("a")
    encoder.encode("b")
    assert encoder.encode("a") is first
    encoder.encode("c")
    assert encoder.held_bytes == 2 * one
    assert encoder.encode("a") is first
    assert encoder.encode("b") is encoder.encode("b")
    assert encoder.held_bytes == 2 * one


def test_an_embedding_larger_than_the_bound_is_not_kept(dev: LoadedModel) -> None:
    encoder = TextEncoder(dev, TEXT_LENGTH, 10)
    encoder.encode("a")
    assert encoder.held_bytes == 0


def test_embeddings_are_the_pipeline_s(dev: LoadedModel) -> None:
    embedding = TextEncoder(dev, TEXT_LENGTH, 0).encode("a red cat")
    with torch.no_grad():
        tokens, pooled, _ = dev.pipeline.encode_prompt("a red cat", None, max_sequence_length=TEXT_LENGTH)
    assert torch.equal(embedding.tokens, tokens[0])
    assert embedding.pooled is not None
    assert torch.equal(embedding.pooled, pooled[0])
    assert 0 < embedding.num_tokens <= TEXT_LENGTH


@pytest.mark.parametrize(("name", "tokens"), [("dev", 9), ("klein", 11), ("flux2_dev", 3)])
def test_a_prompt_s_tokens_are_counted_without_padding(
    name: str, tokens: int, request: pytest.FixtureRequest
) -> None:
    embedding = TextEncoder(request.getfixturevalue(name), TEXT_LENGTH, 0).encode("a red cat")
    assert embedding.num_tokens == tokens
    assert len(embedding.tokens) == TEXT_LENGTH


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_flux(tmp_path_factory.mktemp("broken") / "flux")


def broken(folder: Path, tmp_path: Path, how: str) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    index = copy / "model_index.json"
    match how:
        case "missing":
            shutil.rmtree(copy)
        case "no index":
            index.unlink()
        case "index is no JSON":
            index.write_text("{")
        case "another pipeline":
            index.write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
        case "half":
            shutil.rmtree(copy / "transformer")
        case "no weights":
            next((copy / "transformer").glob("*.safetensors")).unlink()
        case "cut weights":
            weights = next((copy / "transformer").glob("*.safetensors"))
            weights.write_bytes(weights.read_bytes()[:100])
        case "cut encoder":
            weights = next((copy / "text_encoder_2").glob("*.safetensors"))
            weights.write_bytes(weights.read_bytes()[:100])
        case "no single blocks":
            config = json.loads((copy / "transformer" / "config.json").read_text())
            (copy / "transformer" / "config.json").write_text(json.dumps({**config, "num_single_layers": 0}))
        case "fewer layers in the config":
            config = json.loads((copy / "transformer" / "config.json").read_text())
            (copy / "transformer" / "config.json").write_text(json.dumps({**config, "num_layers": 1}))
        case "another architecture":
            config = json.loads((copy / "transformer" / "config.json").read_text())
            (copy / "transformer" / "config.json").write_text(
                json.dumps({**config, "num_layers": 7, "num_attention_heads": 3})
            )
    return copy


@pytest.mark.parametrize(
    "how",
    [
        "missing",
        "no index",
        "index is no JSON",
        "another pipeline",
        "half",
        "no weights",
        "cut weights",
        "cut encoder",
        "no single blocks",
        "fewer layers in the config",
        "another architecture",
    ],
)
def test_a_folder_that_cannot_be_loaded_is_told_in_one_line(folder: Path, tmp_path: Path, how: str) -> None:
    with pytest.raises(ModelLoadError) as caught:
        load_model(str(broken(folder, tmp_path, how)))
    assert "\n" not in caught.value.message
    assert "copy" in caught.value.message


@pytest.mark.parametrize("source", ["no-such-model", "a/b/c", "a b/c", "~/flux"])
def test_what_can_be_no_hub_id_is_not_asked_of_the_hub(source: str) -> None:
    with pytest.raises(ModelLoadError, match=f"{source}.* does not exist"):
        load_model(source)


@pytest.mark.parametrize(
    ("save", "part"),
    [
        (save_tiny_flux, "text_encoder"),
        (save_tiny_flux, "text_encoder_2"),
        (save_tiny_flux, "transformer"),
        (save_tiny_flux, "vae"),
        (save_tiny_klein, "text_encoder"),
        (save_tiny_klein, "transformer"),
        (save_tiny_dev, "text_encoder"),
        (save_tiny_dev, "vae"),
    ],
)
def test_weights_that_lack_some_tensors_are_refused_not_filled_with_noise(
    save: Callable[[Path], Path], part: str, tmp_path: Path
) -> None:
    copy = save(tmp_path / "copy")
    weights = next((copy / part).glob("*.safetensors"))
    tensors = load_file(weights)
    save_file(dict(sorted(tensors.items())[:-3]), weights, metadata={"format": "pt"})
    with pytest.raises(ModelLoadError) as caught:
        load_model(str(copy))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("choice", [{"device": "banana"}, {"dtype": "int3"}])
def test_an_unknown_device_or_dtype_is_told_with_what_is_allowed(choice: dict[str, str]) -> None:
    with pytest.raises(ModelLoadError, match="allowed are auto"):
        load_model("anything", **choice)


def test_a_device_that_is_not_there_is_told() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(ModelLoadError, match="CUDA"):
        load_model("anything", device="cuda")


def test_weights_are_run_in_float32_on_a_cpu_whatever_they_are_stored_in(tmp_path: Path) -> None:
    model = load_model(str(save_tiny_flux(tmp_path / "half", dtype=torch.bfloat16)), device="cpu")
    assert model.pipeline.transformer.dtype is torch.float32
    assert resolve_dtype("auto", torch.device("cuda")) is torch.bfloat16


def test_available_memory_counts_what_the_page_cache_would_give_back(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable:    8000 kB\n")
    assert available_bytes(meminfo) == 8000 * 1024
    assert available_bytes(tmp_path / "none") > 0


def test_two_threads_on_one_model_read_a_prompt_as_one_does(kontext: LoadedModel) -> None:
    """Its pipeline calls each tokenizer with two paddings, which the tokenizer keeps on itself."""

    def read(times: int) -> list[torch.Tensor]:
        text = TextEncoder(kontext, TEXT_LENGTH, cache_bytes=0)
        return [text.encode("a red cat").tokens for _ in range(times)]

    (alone,) = read(1)
    with ThreadPoolExecutor(3) as pool:
        together = [tokens for of_thread in pool.map(read, 3 * [200]) for tokens in of_thread]
    assert {tokens.shape for tokens in together} == {alone.shape}
    assert max(float((tokens - alone).abs().max()) for tokens in together) < 1e-5
