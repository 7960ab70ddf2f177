"""Whatever a form has in it, it is answered with images or with the name of what is wrong."""

from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.api.edit_schema import EDIT_DOC
from tests.api.conftest import assert_still_serving, error_of
from tests.api.pictures import animated, bomb, file_of, picture, with_hole

SCHEMA = EDIT_DOC["requestBody"]["content"]["multipart/form-data"]["schema"]
FIELDS = sorted(set(SCHEMA["properties"]) - {"image", "image[]", "mask"})
NESTED = ["cache[tau1]", "cache[gate][kind]", "cache[]", "cache[guards][last_full]", "cache[preset]", "tau1]", ""]
GOOD = ["1", "0.5", "true", "auto", "png", "fast", "128x128", "a cat", '{"tau1": 0.1}', "high", "flux-nano"]
BAD = [
    "",
    "-1",
    "1e999",
    "NaN",
    "null",
    "9" * 400,
    "\x00",
    "\r\nX-Injected: 1",
    "é\u202e",
    "{",
    "[]",
    '{"tau1": "x"}',
]
VALUES = st.sampled_from(GOOD + BAD) | st.text(max_size=20)
CONTENTS = st.sampled_from(
    [
        file_of(picture()),
        file_of(picture(), "JPEG"),
        file_of(picture(64, 200), "WEBP"),
        file_of(with_hole()),
        file_of(picture(1, 1)),
        bomb(5000, 5000),
        animated("PNG"),
        b"",
    ]
) | st.binary(max_size=64)
FILES = st.lists(st.tuples(st.sampled_from(["image", "image[]", "mask", "other", ""]), CONTENTS), max_size=3)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["edits", "variations"]),
    st.dictionaries(st.sampled_from(FIELDS + NESTED), VALUES, max_size=4),
    FILES,
    st.booleans(),
)
def test_any_form_is_answered_in_the_envelope(
    client: httpx.Client,
    path: str,
    fields: dict[str, str],
    files: list[tuple[str, bytes]],
    is_whole: bool,
) -> None:
    whole: list[Any] = [("image", file_of(picture()))] if is_whole else []
    parts: list[Any] = [(name, ("a.png", content)) for name, content in [*whole, *files]]
    # A form has to have a file, or httpx sends it otherwise.
    parts = parts or [("unknown", ("a.png", b"x"))]
    data = {"prompt": "a cat", **fields} if is_whole else fields
    try:
        response = client.post(f"/v1/images/{path}", data=data, files=parts)
    except UnicodeEncodeError:
        return  # httpx's: a lone surrogate cannot be sent
    if response.status_code != 200:
        assert response.status_code in (400, 404), response.text
        error = error_of(response)
        assert error["param"] is not None or error["code"] == "invalid_value"
        assert "PIL" not in error["message"]
    else:
        assert response.json()["data"]
    assert "x-injected" not in response.headers


def test_after_all_that_it_still_serves(client: httpx.Client) -> None:
    assert_still_serving(client)
