"""A run as a strip of cells, a cell a step: full, detail hit, structure hit, or still to come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from server.engine.interface import EngineEvent, SampleStepped

CELLS = {"full": ("█", "bold red"), "detail_hit": ("▓", "yellow"), "structure_hit": ("░", "green")}
"""By the order of their cost. Glyphs differ too: colour alone says nothing to some people and terminals."""
SUMS = {"full": "full", "detail_hit": "detail_hits", "structure_hit": "structure_hits"}
"""What an answer calls their numbers."""
TO_COME = ("·", "dim")


@dataclass
class Strips:
    """The outcomes so far of each image of a request; filled by the engine's thread, drawn by the terminal's."""

    outcomes: dict[int, list[str]] = field(default_factory=dict)
    num_steps: int = 0

    def hear(self, event: EngineEvent) -> None:
        """One more step of an image; under classifier-free guidance the dearer of its two rows counts."""
        if isinstance(event, SampleStepped) and event.outcomes:
            self.num_steps = event.num_steps
            index = int(event.sample_id.split(":")[1])
            self.outcomes.setdefault(index, []).append(min(event.outcomes, key=list(CELLS).index))

    def __rich__(self) -> Text:
        by_image = sorted(self.outcomes.copy().items())
        label = "image {} " if len(by_image) > 1 else ""
        rows = [draw_strip(cells, self.num_steps, label.format(index + 1)) for index, cells in by_image]
        return Text("\n").join(rows)


@dataclass
class JobStrip:
    """The same by a job's events, which tell sums over its images: a cell for each that a sum has grown by."""

    outcomes: list[str] = field(default_factory=list)
    num_steps: int = 0
    waits: int | None = None

    def hear(self, event: Mapping[str, Any]) -> None:
        """One more event. A step that is told again, by a second worker or a second look, changes nothing."""
        self.waits = event.get("queue_position") if event["type"] == "job.queued" else None
        if event["type"] == "job.step":
            self.num_steps = event["num_steps"]
            for outcome, name in SUMS.items():
                more = event["cache"][name] - self.outcomes.count(outcome)
                self.outcomes += [outcome] * max(0, more)

    def is_of(self, counts: Mapping[str, int]) -> bool:
        """All of these steps were told."""
        return all(self.outcomes.count(outcome) == counts[name] for outcome, name in SUMS.items())

    def __rich__(self) -> Text:
        if self.waits is not None:
            return Text(f"waiting, {self.waits} before it ...", style="dim")
        return draw_strip(self.outcomes, max(self.num_steps, len(self.outcomes)))


def draw_strip(outcomes: Sequence[str], num_steps: int, label: str = "") -> Text:
    """The cells of one image and how far it is."""
    text = Text(label)
    for outcome in outcomes:
        text.append(*CELLS[outcome])
    for _ in range(num_steps - len(outcomes)):
        text.append(*TO_COME)
    return text.append(f" {len(outcomes)}/{num_steps}")


def draw_counts(counts: Mapping[str, int]) -> Text:
    """The same where only sums are known: the cells in the order of their cost."""
    outcomes = [outcome for outcome, name in SUMS.items() for _ in range(counts[name])]
    return draw_strip(outcomes, counts["steps"])


def legend() -> Text:
    """What the cells mean."""
    text = Text()
    for outcome, (cell, style) in CELLS.items():
        text.append(cell, style).append(f" {outcome.replace('_', ' ')}  ")
    return text
