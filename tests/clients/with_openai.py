"""Run by openai-python's own interpreter: python with_openai.py BASE_URL. Speaks as a user's program would."""

import base64
import sys

from openai import OpenAI
from openai.types import ImageGenCompletedEvent, ImageGenPartialImageEvent

client = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
prompt = "a large red heart at the left on a blue background"

images = client.images.generate(
    model="flux-nano", prompt=prompt, n=2, size="128x128", extra_body={"seed": 7, "cache": {"preset": "balanced"}}
)
assert [base64.b64decode(image.b64_json)[:4] for image in images.data] == [b"\x89PNG"] * 2
assert images.usage.total_tokens == images.usage.input_tokens + images.usage.output_tokens

events = list(client.images.generate(model="flux-nano", prompt=prompt, stream=True, partial_images=2))
assert [type(event) for event in events] == [ImageGenPartialImageEvent] * 2 + [ImageGenCompletedEvent]
for event in events:
    needed = {name for name, field in type(event).model_fields.items() if field.is_required()}
    assert needed <= event.model_fields_set, event.type
    type(event).model_validate(event.model_dump(exclude_unset=True))  # reading a stream, openai checks nothing
assert [event.partial_image_index for event in events[:2]] == [0, 1]
assert events[-1].usage.input_tokens_details.text_tokens > 0

by_address = client.images.generate(model="flux-nano", prompt=prompt, response_format="url")
assert by_address.data[0].url.startswith(sys.argv[1])
