"""From the engine's threads to the worker's event loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from server.engine.interface import SampleDropped, SampleEvent, SampleFailed, SampleFinished

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Woken:
    """There may be work, and the engine has no border at which it would be looked for."""


def hand_over(loop: asyncio.AbstractEventLoop, receive: Callable[[T], None], item: T) -> None:
    """Call ``receive`` on the loop; a loop that is closed has nobody left to tell."""
    try:
        loop.call_soon_threadsafe(receive, item)
    except RuntimeError:
        log.debug("event after the loop's end")


def end_of(event: SampleEvent) -> str | None:
    """How the sample ended, None where it goes on."""
    match event:
        case SampleFinished():
            return "finished"
        case SampleFailed():
            return "failed"
        case SampleDropped():
            return "dropped"
    return None
