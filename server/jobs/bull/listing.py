"""Which jobs are in some states, read from Redis a page at a time."""

from collections.abc import Iterable
from typing import Any

from server.jobs.bull.commands import Commands
from server.jobs.event import JobState

LISTED_AT_ONCE = 100
"""Jobs. Redis does nothing else while it looks at them."""


async def list_ids(commands: Commands, states: Iterable[JobState], limit: int) -> list[str]:
    """Those that run, then those that wait, then those that ended, last first.

    A rare state may lie at the end of very many that ended, so that each call looks at a page of them, from where
    the one before stopped. What ends meanwhile comes before that place; what is looked at twice is listed once.
    """
    args: dict[str, Any] = {"states": {state.value: True for state in states}, "page": LISTED_AT_ONCE}
    ids: dict[str, None] = {}
    after: list[str] = []
    while True:
        found, *after = await commands.run("list", {**args, "limit": limit - len(ids), "after": after})
        ids |= dict.fromkeys(found)
        if not after or len(ids) >= limit:
            return list(ids)
