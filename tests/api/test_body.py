"""Bytes become a JSON object or a refusal, never a surprise."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.api.body import parse_object
from server.errors import RequestError

FINITE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), FINITE, max_size=4))
def test_an_object_of_finite_values_is_read_as_it_was_written(body: dict[str, Any]) -> None:
    assert parse_object(json.dumps(body).encode()) == body


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0019eE+-.NaInfity ', max_size=40).map(str.encode))
def test_any_bytes_are_an_object_or_a_refusal(body: bytes) -> None:
    try:
        assert isinstance(parse_object(body), dict)
    except RequestError as refused:
        assert refused.message.isascii()


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize(
    ("text", "param"),
    [
        ('{{"seed": {}}}', "seed"),
        ('{{"prompt": "x", "cache": {{"tau1": 0.1, "tau2": {}}}}}', "cache.tau2"),
        ('{{"extra": [1, {{"deep": [{}]}}]}}', "extra.deep"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_by_its_path(text: str, param: str, word: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse_object(text.format(word).encode())
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ('{"seed": 1, "n": 1, "seed": 1}', "seed"),
        ('{"prompt": "x", "cache": {"tau1": 1, "tau1": 2}}', "cache.tau1"),
        ('{"extra": [{"a": {"b": 1, "b": 1}}]}', "extra.a.b"),
        ('{"n": 1, "\\u006e": 2}', "n"),
    ],
)
def test_a_key_given_twice_is_refused(text: str, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse_object(text.encode())
    assert refused.value.param == param
