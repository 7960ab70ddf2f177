"""The training curve: means of the loss over a few steps, appended to a CSV file."""

import csv
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Curve:
    """Collects a stage's losses and writes a row (stage, step, seconds, loss) every `every` steps."""

    path: Path
    stage: str
    every: int = 50
    _losses: list[float] = field(default_factory=list)

    def add(self, step: int, seconds: float, loss: float) -> None:
        """Count one step's loss; `seconds` since the stage began."""
        self._losses.append(loss)
        if len(self._losses) >= self.every:
            self.finish(step, seconds)

    def finish(self, step: int, seconds: float) -> None:
        """Write what has been collected since the last row."""
        if not self._losses:
            return
        mean = sum(self._losses) / len(self._losses)
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow([self.stage, step, round(seconds, 1), f"{mean:.5f}"])
        self._losses.clear()
