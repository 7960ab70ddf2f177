"""Calls made up from the API's own document by schemathesis, half of them valid by it.

Every answer has to be documented, in the envelope where it is an error, and never the server's own failure.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import APIOperation, Case, GenerationMode, Response
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok

from tests.api.fuzz_known import KEPT, Known

Operation = APIOperation[Any, Any, Any, Any]
GENERATIONS = "/v1/images/generations"
OURS = {503: {"not_ready"}, 504: {"deadline_exceeded"}}
"""The failures that a client may see without the server being at fault, by their codes."""


def pictures() -> st.SearchStrategy[Any]:
    """Uploads: small pictures of one size, so that a mask fits, and at times bytes that are none."""
    files = []
    for kind, mode in (("png", "RGB"), ("png", "RGBA"), ("png", "L"), ("jpeg", "RGB"), ("webp", "RGB")):
        buffer = BytesIO()
        Image.new(mode, (64, 64), 0).save(buffer, kind)
        files.append(buffer.getvalue())
    return st.one_of(st.sampled_from(files), st.sampled_from(files), st.binary(max_size=64))


@dataclass
class Tally:
    """What came of the calls: statuses by operation, and the first of each kind of wrong answer."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """How many there were."""
        return self.statuses.total()

    def share_of_2xx(self, path: str | None = None) -> float:
        """Of all calls, or of those to one path."""
        mine = {key: count for key, count in self.statuses.items() if path in (None, key[0].split(" ")[1])}
        return sum(count for (_, status), count in mine.items() if 200 <= status < 300) / sum(mine.values())

    def table(self) -> str:
        """A line an operation: its calls, and how many of them had which status."""
        rows: dict[str, list[str]] = {}
        for (label, status), count in sorted(self.statuses.items()):
            rows.setdefault(label, []).append(f"{count} x {status}")
        lines = [f"{self.calls} calls, {self.share_of_2xx():.1%} of them 2xx, {len(self.faults)} faults"]
        return "\n".join(lines + [f"{label:32} {', '.join(row)}" for label, row in rows.items()])


def fuzz(client: httpx.Client, calls: int) -> Tally:
    """About ``calls`` calls to a live server, as many to each operation and kind; more to what makes images."""
    tally, known = Tally(), Known()
    schemathesis.openapi.format("binary", pictures())
    schema = schemathesis.openapi.from_dict(without_webhooks(client.get("/openapi.json").json()))
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    operations.sort(key=share_of, reverse=True)
    shares = {operation.label: share_of(operation) for operation in operations}
    for operation in operations:
        for mode in modes_of(operation):
            count = max(1, calls * shares[operation.label] // sum(shares.values()) // 2)
            call_often(operation, mode, str(client.base_url), count, tally, known)
    return tally


def without_webhooks(document: Any) -> Any:
    """They are off on the servers here, where any ``webhook_url`` is refused: half of the calls shall be valid."""
    if isinstance(document, dict):
        return {key: without_webhooks(value) for key, value in document.items() if key != "webhook_url"}
    return [without_webhooks(value) for value in document] if isinstance(document, list) else document


def share_of(operation: Operation) -> int:
    """How much there is to be tried: bodies more than names, and of what takes nothing there is one call."""
    if operation.body:
        return 8
    return 1 if any(True for _ in operation.iter_parameters()) else 0


def modes_of(operation: Operation) -> Iterator[GenerationMode]:
    """Valid calls, and wrong ones: nothing can be wrong in a call that takes nothing, or names of any letters."""
    yield GenerationMode.POSITIVE
    if operation.body or any(not is_any_text(each) for each in operation.iter_parameters()):
        yield GenerationMode.NEGATIVE


def is_any_text(parameter: Any) -> bool:
    """Of a path or a header, where all that comes is text; a query may lack what it needs."""
    told = parameter.definition["schema"].keys() - {"title", "description", "examples"}
    is_text = parameter.location in (ParameterLocation.PATH, ParameterLocation.HEADER)
    return is_text and told == {"type"} and parameter.definition["schema"]["type"] == "string"


def call_often(
    operation: Operation, mode: GenerationMode, url: str, count: int, tally: Tally, known: Known
) -> None:
    """Draw and make ``count`` calls.

    Half of the valid ones that name a job name one that there is.
    """

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), place=st.integers(0, 2 * KEPT - 1))
    def call(case: Case[Any], place: int) -> None:
        if mode is GenerationMode.POSITIVE:
            known.put_into(case, place)
        try:
            response = case.call(base_url=url)
        except Exception as error:  # a connection that is closed is a finding, whatever the client calls it
            tally.faults.setdefault(f"{operation.label}: {type(error).__name__}", str(error)[:500])
            return
        tally.statuses[operation.label, response.status_code] += 1
        known.note(response)
        for fault in faults(operation, response):
            tally.faults.setdefault(
                f"{operation.label}: {fault}", f"{case.as_curl_command()[:700]}\n{response.text[:300]}"
            )

    call()


def faults(operation: Operation, response: Response) -> Iterator[str]:
    """What is wrong with an answer."""
    status = response.status_code
    documented = operation.definition.raw["responses"]
    if str(status) not in documented:
        yield f"{status} is not documented"
    elif (media := response.headers["content-type"][0].split(";")[0]) not in documented[str(status)]["content"]:
        yield f"{status} of {media} is not documented"
    if status >= 400:
        error = envelope(response)
        if error is None:
            yield f"{status} without the envelope"
        elif status >= 500 and error["code"] not in OURS.get(status, ()):
            yield f"{status} {error['code']}"
    if not response.headers.get("x-request-id"):
        yield "no x-request-id"


def envelope(response: Response) -> dict[str, Any] | None:
    """The error, or None where it is not in its shape or too long."""
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    whole = set(error) == {"message", "type", "param", "code"} and len(response.content) <= 1900
    return error if whole else None
