"""The answer has OpenAI's fields and ours, and the request's fields mean what they say."""

import base64
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from server.engine.fake import InstantEngine
from tests.api.conftest import error_of, generate
from tests.live import live_server


def image_of(entry: dict[str, Any]) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(entry["b64_json"])))


def test_the_answer_has_the_fields_of_the_openai_api_and_ours(client: httpx.Client) -> None:
    answer = generate(client, seed=5).json()
    openai = {"created", "data", "output_format", "size", "quality", "background", "usage"}
    assert set(answer) == {*openai, "id", "model", "cache", "timings"}
    assert (answer["model"], answer["output_format"], answer["size"]) == ("flux-nano", "png", "128x128")
    assert set(answer["data"][0]) == {"b64_json", "seed", "cache"}
    assert answer["data"][0]["seed"] == 5
    assert set(answer["timings"]) == {"queue_ms", "encode_ms", "denoise_ms", "decode_ms", "total_ms"}
    usage = answer["usage"]
    assert usage["input_tokens"] + usage["output_tokens"] == usage["total_tokens"]
    assert usage["output_tokens"] == 64
    assert image_of(answer["data"][0]).size == (128, 128)


def test_counts_are_sums_over_the_images_and_each_image_has_its_own(client: httpx.Client) -> None:
    answer = generate(client, n=3, num_inference_steps=10, seed=100).json()
    whole, parts = answer["cache"], [entry["cache"] for entry in answer["data"]]
    for key in ("steps", "full", "detail_hits", "structure_hits", "blocks_run", "blocks_total"):
        assert whole[key] == sum(part[key] for part in parts)
    assert whole["steps"] == 30 == whole["full"] + whole["detail_hits"] + whole["structure_hits"]
    assert whole["flops_ratio"] == pytest.approx(sum(part["flops_ratio"] for part in parts) / 3)
    assert [entry["seed"] for entry in answer["data"]] == [100, 101, 102]


def test_more_images_than_the_batch_holds_run_in_turn(client: httpx.Client) -> None:
    assert len(generate(client, n=10).json()["data"]) == 10


def test_an_absent_seed_is_drawn_and_reported(client: httpx.Client) -> None:
    seeds = {generate(client).json()["data"][0]["seed"] for _ in range(4)}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**53 for seed in seeds)


@pytest.mark.parametrize(("output_format", "kind"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_output_format_is_the_one_asked_for(client: httpx.Client, output_format: str, kind: str) -> None:
    answer = generate(client, output_format=output_format, output_compression=80, size="64x96").json()
    image = image_of(answer["data"][0])
    assert (image.format, image.size) == (kind, (64, 96))
    assert answer["output_format"] == output_format


def test_with_the_cache_off_all_steps_are_full_and_taus_are_null(client: httpx.Client) -> None:
    cache = generate(client, cache="off").json()["cache"]
    assert (cache["preset"], cache["tau1"], cache["tau2"]) == ("off", None, None)
    assert (cache["full"], cache["flops_ratio"]) == (cache["steps"], 1)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({}, "balanced"),
        ({"cache": "fast"}, "fast"),
        ({"cache": {"preset": "fast", "tau2": 0.3}}, "fast+"),
        ({"cache": {"tau1": 0.1}}, "custom"),
        ({"tau1": 0.1, "tau2": 0.2}, "custom"),
        ({"quality": "high"}, "quality"),
        ({"quality": "high", "cache": "paper"}, "paper"),
    ],
)
def test_the_answer_says_which_preset_it_was(client: httpx.Client, body: dict[str, Any], shown: str) -> None:
    assert generate(client, **body).json()["cache"]["preset"] == shown


def test_the_answer_says_which_parts_it_was(client: httpx.Client) -> None:
    cache = {"signal": "latents", "gate": {"kind": "below", "threshold": 0.2}, "guards": {"last_full": True}}
    told = generate(client, cache=cache).json()["cache"]
    assert (told["preset"], told["method"], told["tau1"]) == ("custom", "parts", None)
    assert told["parts"]["gate"] == cache["gate"]
    assert told["parts"]["fill"] == {"kind": "last"}
    assert generate(client, cache=told["parts"]).json()["cache"]["parts"] == told["parts"]


def test_null_and_unknown_top_level_fields_are_ignored(client: httpx.Client) -> None:
    extras = {"moderation": "low", "style": "vivid", "negative_prompt": "x", "seed": None, "size": None, "n": None}
    assert generate(client, **extras).status_code == 200


def test_the_served_model_has_an_alias_and_no_other_name(client: httpx.Client) -> None:
    assert generate(client, model="nano").json()["model"] == "flux-nano"
    response = generate(client, model="dall-e-3")
    assert (response.status_code, error_of(response)["code"]) == (404, "model_not_found")


def test_models_are_listed_with_what_they_can_do(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()["data"]
    assert model["id"] == "flux-nano"
    assert model["sides"] == {"min": 64, "max": 192, "multiple": 16}
    assert client.get("/v1/models/nano").json() == model
    assert error_of(client.get("/v1/models/other"))["code"] == "model_not_found"


def test_every_preset_that_is_listed_can_be_asked_for_and_says_what_it_was_measured_at(
    client: httpx.Client,
) -> None:
    listed = client.get("/v1/presets").json()
    names = [preset["id"] for preset in listed["data"]]
    assert names == ["off", "fast", "balanced", "quality", "lossless", "paper"]
    assert listed["default"] in names
    for preset in listed["data"]:
        cache = generate(client, cache=preset["id"]).json()["cache"]
        assert cache["preset"] == preset["id"]
        assert (cache["tau1"], cache["tau2"]) == (preset.get("tau1"), preset.get("tau2"))
        assert preset.get("calibrated") in (None, "measured_flops_ratio" in preset)


def test_health_and_docs_answer(client: httpx.Client) -> None:
    for path in ("/livez", "/readyz", "/startupz", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_the_metrics_of_one_process_have_requests_steps_and_queue() -> None:
    with live_server(InstantEngine) as client:
        generate(client)
        text = client.get("/metrics").text
    assert 'h2serve_requests_total{code="200",route="/v1/images/generations"} 1.0' in text
    assert 'h2serve_steps_total{outcome="full",preset="balanced",tau1="0.15",tau2="0.22"}' in text
    assert "h2serve_queue_images_waiting 0.0" in text


def test_a_request_id_is_the_client_s_own_when_harmless(client: httpx.Client) -> None:
    assert client.get("/livez", headers={"x-request-id": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    for odd in ("a b", "x" * 65, "<script>"):
        assert client.get("/livez", headers={"x-request-id": odd}).headers["x-request-id"] != odd


def test_every_kind_of_response_has_a_request_id(client: httpx.Client) -> None:
    for response in (client.get("/livez"), client.get("/nowhere"), client.put("/livez"), generate(client, n=0)):
        assert response.headers["x-request-id"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_probes_and_pages_can_be_asked_for_their_head_alone(client: httpx.Client) -> None:
    for path in ("/livez", "/readyz", "/startupz", "/", "/docs"):
        response = client.head(path)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-length"] == client.get(path).headers["content-length"]
