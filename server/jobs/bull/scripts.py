"""Our Lua scripts, each one atomic step: BullMQ's own scripts run inside them.

A Redis script cannot call another one, and a transaction cannot decide. So BullMQ's scripts, read from the
installed package and not changed, become functions of ours: a submit is bounds, key and tag (ours), then
``addPrioritizedJob`` (theirs), then the records (ours), all or nothing, in one round trip.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import msgpack
from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from server.jobs import words
from server.jobs.payload import VERSION
from server.jobs.redelivery import MOST_DEATHS
from server.jobs.terms import QueueTerms
from server.request import PRIORITIES

REBASE_AT = 2**20
"""BullMQ's priorities end at 2^21; above, equal tags would lose the order of arrival."""
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "put": (("addPrioritizedJob-9",), ("common", "entering")),
    "take": (("moveToActive-11", "moveToFinished-14"), ("common", "ending", "words")),
    "renew": (("extendLocks-1",), ("common", "gone")),
    "progress": ((), ("common", "gone")),
    "finish": (("moveToFinished-14",), ("common", "ending")),
    "release": (
        ("moveJobFromActiveToWait-9", "moveToFinished-14"),
        ("common", "ending", "waiting", "death"),
    ),
    "cancel": (("moveToFinished-14",), ("common", "ending")),
    "attach": ((), ("common",)),
    "detach": (("moveToFinished-14",), ("common", "ending")),
    "sweep": (
        ("moveStalledJobsToWait-9", "moveToFinished-14"),
        ("common", "ending", "waiting", "death", "forgetting", "words"),
    ),
    "depth": ((), ("common",)),
    "list": ((), ("common",)),
    "retry_dead": (("addPrioritizedJob-9",), ("common", "entering", "forgetting")),
    "show": ((), ("common",)),
}
"""Script -> (BullMQ's scripts, our shared parts) that it is made of."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """Ready to be run over one client. ``base`` is what all keys begin with."""

    by_name: dict[str, AsyncScript]
    base: str

    async def run(self, name: str, args: dict[str, Any], *more: str, client: Redis | None = None) -> Any:
        """One EVALSHA; ``more`` are arguments that are not packed. ``client`` may be a pipeline."""
        packed = msgpack.packb(args, use_bin_type=True)
        return await self.by_name[name](keys=[self.base], args=[packed, *more], client=client)


def load_scripts(client: Redis, base: str, terms: QueueTerms) -> Scripts:
    """Nothing is sent: a script that Redis does not know yet is loaded at its first use."""
    return Scripts({name: client.register_script(compose(name, terms)) for name in PARTS}, base)


def compose(name: str, terms: QueueTerms) -> str:
    """The whole text of a script."""
    bull, shared = PARTS[name]
    theirs = [
        f"local function {each.split('-')[0]}(KEYS, ARGV)\n{_text('bullmq', 'commands', each)}\nend"
        for each in bull
    ]
    ours = "\n".join(_text(__package__, "scripts", each) for each in (*shared, name))
    values = {
        "VERSION": VERSION,
        "MOST_EVENTS": terms.most_events,
        "LIFE_MS": terms.keep_ms + 60_000,  # if nobody sweeps, Redis does
        "ALONE_FROM": MOST_DEATHS - 1,
        "MOST_DEATHS": MOST_DEATHS,
        "REBASE_AT": REBASE_AT,
        "LEAST_URGENT": min(PRIORITIES),
        "MOST_URGENT": max(PRIORITIES),
        "EXPIRED": words.expired("#"),
    }
    for key, value in values.items():
        ours = ours.replace(f"@{key}@", str(value))
    return "\n".join([*theirs, ours])


def _text(package: str, folder: str, name: str) -> str:
    return (files(package) / folder / f"{name}.lua").read_text()
