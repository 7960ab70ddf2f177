"""Server-sent events read back, as the WHATWG's standard has them."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """One event."""

    name: str
    data: dict[str, Any]
    id: str | None


def events_in(text: str) -> list[Told]:
    """All events of a stream; comments are passed over."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append(Told(fields["event"], json.loads(fields["data"]), fields.get("id")))
    return found
