"""The signature is Standard Webhooks', and the snippet of the docs verifies it as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest

from server.errors import SettingsError
from server.webhooks.signing import read_secret, signed_headers

DOCS = Path(__file__).parent.parent.parent / "docs" / "webhooks.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def verify_of_the_docs() -> Any:
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(snippet, found)
    return found["verify"]


def test_the_signature_is_the_one_of_standard_webhooks_own_example() -> None:
    body = b'{"test": 2432232314}'
    headers = signed_headers(read_secret(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_docs_snippet_takes_what_is_signed_and_nothing_that_was_touched_or_is_old() -> None:
    verify, body = verify_of_the_docs(), b'{"type": "job.finished"}'
    headers = dict(signed_headers(read_secret(SECRET), "id", 1000, body))
    assert verify(SECRET, headers, body, 1001)
    assert not verify(SECRET, headers, body + b" ", 1001)
    assert not verify(SECRET, {**headers, "webhook-id": "other"}, body, 1001)
    assert not verify(SECRET, {**headers, "webhook-timestamp": "1001"}, body, 1001)
    assert not verify(SECRET, {**headers, "webhook-signature": "v1,"}, body, 1001)
    assert not verify(SECRET, headers, body, 1000 + 301)
    assert not verify("whsec_" + "A" * 44, headers, body, 1001)


@pytest.mark.parametrize(
    "text", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!!", SECRET[6:], "whsec_\ufffd" * 9]
)
def test_a_secret_of_another_kind_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_secret(text)
    assert text in ("", "secret", "whsec_") or text not in raised.value.message
