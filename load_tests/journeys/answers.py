"""What an answer of the server may be, whatever was asked."""

from locust.clients import ResponseContextManager


def is_refusal(response: ResponseContextManager) -> bool:
    """A 429 that says when to come back is an honest answer, and counts as one."""
    is_honest = response.status_code == 429 and "retry-after" in response.headers
    if is_honest:
        response.success()
    return is_honest


def check_images(response: ResponseContextManager, images: int) -> None:
    """All images there, or a refusal that says when to come back."""
    if is_refusal(response):
        return
    if response.status_code != 200:
        response.failure(f"status {response.status_code}")
    elif len(response.json()["data"]) != images:
        response.failure("images are missing")
