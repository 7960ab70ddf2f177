"""`python -m nano.plot`: the training curve of the model card, curve.csv to curve.png."""

import csv
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure

FOLDER = Path(__file__).parent
TITLES = {
    "vae": "autoencoder: MSE",
    "words": "text encoder: cross-entropy of the words",
    "base-1": "transformer, first sitting: velocity MSE",
    "base-2": "transformer, second sitting: velocity MSE",
    "base": "transformer, third sitting: velocity MSE",
    "distil": "guidance distillation: weighted MSE",
    "distil-2": "guidance distillation, further: weighted MSE",
    "decoder": "decoder: MSE over contrast",
}


def main() -> None:
    """Write curve.png beside curve.csv."""
    stages = read_curve(FOLDER / "curve.csv")
    figure = Figure(figsize=(4 * len(stages), 3.2), layout="constrained")
    for axes, (stage, points) in zip(
        figure.subplots(1, len(stages), squeeze=False)[0], stages.items(), strict=True
    ):
        axes.plot([seconds / 60 for seconds, _ in points], [loss for _, loss in points])
        axes.set(title=TITLES.get(stage, stage), xlabel="minutes", yscale="log")
        axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(FOLDER / "curve.png", dpi=110)


def read_curve(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Seconds and loss of each stage, in the order of training."""
    stages: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    with path.open(newline="") as file:
        for stage, _, seconds, loss in csv.reader(file):
            stages[stage].append((float(seconds), float(loss)))
    return {stage: stages[stage] for stage in TITLES if stage in stages}


if __name__ == "__main__":
    main()
