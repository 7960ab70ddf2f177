"""Run by openai-python's own interpreter: python retrying_openai.py BASE_URL. Its retries are its defaults.

Writes how often it came back for an image, and the status of one that cannot be made.
"""

import asyncio
import sys

from openai import APIStatusError, AsyncOpenAI


async def speak() -> None:
    async with AsyncOpenAI(base_url=sys.argv[1], api_key="none") as client:
        answer = await client.images.with_raw_response.generate(model="flux-nano", prompt="a star")
        try:
            await client.images.generate(model="flux-nano", prompt="a broken star")
        except APIStatusError as error:
            sys.stdout.write(f"{answer.retries_taken} {error.status_code}")


asyncio.run(speak())
