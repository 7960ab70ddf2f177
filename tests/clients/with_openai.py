"""Run by openai-python's own interpreter: python with_openai.py BASE_URL FOLDER. Speaks as a user's program would.

The folder has image.png and mask.png.
"""

import asyncio
import base64
import sys
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI, OpenAI
from openai.types import (
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
)

client = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
folder = Path(sys.argv[2])
prompt = "a large red heart at the left on a blue background"


def check_events(events: list[Any], partial: type, completed: type) -> None:
    """Two previews, then the image; every event has all fields of openai's model of it, and of their types."""
    assert [type(event) for event in events] == [partial] * 2 + [completed]
    for event in events:
        needed = {name for name, field in type(event).model_fields.items() if field.is_required()}
        assert needed <= event.model_fields_set, event.type
        type(event).model_validate(event.model_dump(exclude_unset=True))  # reading a stream, openai checks nothing
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert events[-1].usage.input_tokens_details.text_tokens > 0


def check_pictures(images: Any, count: int) -> None:
    """So many PNG files, and a usage that adds up."""
    assert [base64.b64decode(image.b64_json)[:4] for image in images.data] == [b"\x89PNG"] * count
    assert images.usage.total_tokens == images.usage.input_tokens + images.usage.output_tokens


images = client.images.generate(
    model="flux-nano", prompt=prompt, n=2, size="128x128", extra_body={"seed": 7, "cache": {"preset": "balanced"}}
)
check_pictures(images, 2)
events = list(client.images.generate(model="flux-nano", prompt=prompt, stream=True, partial_images=2))
check_events(events, ImageGenPartialImageEvent, ImageGenCompletedEvent)
by_address = client.images.generate(model="flux-nano", prompt=prompt, response_format="url")
assert by_address.data[0].url.startswith(sys.argv[1])


def edit(**more: Any) -> Any:
    with (folder / "image.png").open("rb") as image, (folder / "mask.png").open("rb") as mask:
        return client.images.edit(
            model="flux-nano",
            image=image,
            mask=mask,
            prompt=prompt,
            extra_body={"seed": 7, "cache": {"tau1": 0.1, "tau2": 0.2}, "num_inference_steps": 8},
            **more,
        )


check_pictures(edit(n=2), 2)
events = list(edit(stream=True, partial_images=2))
check_events(events, ImageEditPartialImageEvent, ImageEditCompletedEvent)
with (folder / "image.png").open("rb") as image:
    check_pictures(client.images.create_variation(image=image, model="flux-nano", size="128x128"), 1)


async def speak_asynchronously() -> None:
    """Several at once, and a stream."""
    async with AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0) as client:
        asked = [
            client.images.generate(model="flux-nano", prompt=prompt, extra_body={"seed": i}) for i in range(4)
        ]
        answers = await asyncio.gather(*asked)
        assert [answer.data[0].seed for answer in answers] == [0, 1, 2, 3]
        stream = await client.images.generate(model="flux-nano", prompt=prompt, stream=True, partial_images=2)
        check_events([event async for event in stream], ImageGenPartialImageEvent, ImageGenCompletedEvent)


asyncio.run(speak_asynchronously())
