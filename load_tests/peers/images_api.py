"""The images endpoint as LitServe wants it: what it has collected goes through the pipeline in batches."""

from typing import Any

import litserve

from load_tests.peers.pipeline import Answer, Pipeline
from load_tests.peers.wanted import Wanted, parse_wanted


class ImagesApi(litserve.LitAPI):  # type: ignore[misc]  # litserve is in the peers' own environment only
    """One worker process with one pipeline."""

    def __init__(self, folder: str, text_length: int, threads: int, batch_size: int, wait_s: float) -> None:
        super().__init__(max_batch_size=batch_size, batch_timeout=wait_s, api_path="/v1/images/generations")
        self._how = folder, text_length, threads

    def setup(self, device: str) -> None:
        """In the worker."""
        self._pipeline = Pipeline(*self._how)

    def decode_request(self, request: dict[str, Any], **_: Any) -> Wanted:
        """One body."""
        return parse_wanted(request)

    def predict(self, x: list[Wanted] | Wanted, **_: Any) -> list[Answer] | Answer:
        """A batch, or the request itself where the batch size is 1."""
        if isinstance(x, Wanted):
            return self._pipeline.generate([x])[0]
        answers: dict[int, Answer] = {}
        for places in groups_of(x):
            made = self._pipeline.generate([x[place] for place in places])
            answers.update(zip(places, made, strict=True))
        return [answers[place] for place in range(len(x))]

    def unbatch(self, output: list[Answer]) -> list[Answer]:
        """They are a list already."""
        return output


def groups_of(wanted: list[Wanted]) -> list[list[int]]:
    """Places of those that can go through one call, in order of their first."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, one in enumerate(wanted):
        groups.setdefault(one.batch_key, []).append(place)
    return list(groups.values())
