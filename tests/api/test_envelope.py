"""Every error fits its envelope, whatever it has to say."""

import json

from hypothesis import given
from hypothesis import strategies as st

from server.api.envelope import error_response
from server.api.quoting import QUOTED_LENGTH, printable

UGLY = st.text(max_size=50) | st.text('"\\\n\x00é😀', min_size=1, max_size=4).map(lambda text: text * 2000)


@given(UGLY, UGLY | st.none())
def test_an_error_is_at_most_1900_bytes_of_printable_ascii(message: str, param: str | None) -> None:
    body = error_response(500, message, "invalid_request_error", "unsupported_media_type", param).body
    assert len(body) <= 1900
    error = json.loads(bytes(body))["error"]
    for text in (error["message"], error["param"] or ""):
        assert all(" " <= c <= "~" for c in text)
    assert len(error["param"] or "") <= QUOTED_LENGTH


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=QUOTED_LENGTH))
def test_short_printable_text_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text
