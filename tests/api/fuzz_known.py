"""Jobs that made-up calls have made, for later ones to ask about: a made-up id alone leads to no job."""

import itertools
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from schemathesis import Case, Response

KEPT = 8
KEY = "Idempotency-Key"
_ID = re.compile(r'"(?:id|job_id)": ?"([0-9a-f]{32})"')
_FILE = re.compile(r'/v1/files/([0-9a-f]{32})\?([^"\s]+)')


@dataclass
class Known:
    """The newest jobs, and the newest signed addresses of images as id and query."""

    jobs: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    files: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=KEPT))
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def note(self, response: Response) -> None:
        """Keep what a good answer names."""
        if response.status_code < 300:
            text = response.content.decode(errors="replace")  # a picture's bytes are a good answer too
            self.jobs.extendleft(_ID.findall(text))
            self.files.extendleft(_FILE.findall(text))

    def put_into(self, case: Case[Any], place: int) -> None:
        """Let the call be about the job in that place, or leave it as it is where there is none.

        Of the keys, which are drawn short, every other one is new: most would be another request's.
        """
        if KEY in case.headers and place % 2:
            case.headers[KEY] = f"key-{next(self.numbers)}"
        if place < len(self.jobs):
            job_id, other = self.jobs[place], self.jobs[place // 2]
            if "job_id" in case.path_parameters:
                case.path_parameters["job_id"] = job_id
            elif case.path == "/v1/get_result":
                case.query["id"] = job_id
            elif case.path == "/v1/compare" and isinstance(case.body, dict):
                case.body |= {"image": job_id, "reference": other}
        if place < len(self.files) and "file_id" in case.path_parameters:
            case.path_parameters["file_id"], query = self.files[place]
            case.query |= {name: values[0] for name, values in parse_qs(query).items()}
