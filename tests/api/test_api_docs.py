"""docs/api.md shows every operation of the API, and what it shows of an answer is one."""

import json
import re
from pathlib import Path

import pytest

from server.api.openapi import operations
from server.api.schema import ANSWER
from tests.api.test_openapi import document

DOCS = (Path(__file__).parent.parent.parent / "docs" / "api.md").read_text()
NAMED_ALIKE = {"/v1/flux-nano": "/v1/{served model}", "/v1/nano": "/v1/{served model}"}


@pytest.mark.parametrize("path", sorted({path for path, _ in operations(document())}))
def test_every_path_of_the_document_is_shown(path: str) -> None:
    told = NAMED_ALIKE.get(path, path.replace("{job_id}", "{id}").replace("{file_id}", "{id}"))
    assert told in DOCS


def test_every_request_is_of_a_path_that_there_is() -> None:
    paths = [re.sub(r"\{[^}]+\}", "[^/]+", path) for path, _ in operations(document())]
    asked = re.findall(r"http://127\.0\.0\.1:\d+(/[^\s'?\"]*)", DOCS)
    assert len(asked) > 10
    for path in asked:
        assert any(re.fullmatch(known, path) for known in paths), path


def test_an_answer_that_is_shown_whole_has_the_fields_of_today() -> None:
    blocks = re.findall(r"^    \{\"id\": \".*?\}\}$", DOCS, re.MULTILINE | re.DOTALL)
    answers = [json.loads(block) for block in blocks]
    assert len(answers) >= 3
    for answer in answers:
        assert set(answer) == set(ANSWER["properties"])
