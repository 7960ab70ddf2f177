"""Step times and steps as a server's own metrics have them. Pure: the text of /metrics in, numbers out."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from server.errors import SettingsError
from server.plan.step_times import StepTimes

SHORTEST_S = 1e-6
"""An engine without a model takes no time, which no fleet could be worked out from."""
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """All series of a scrape by name and labels.

    Two scrapes' difference is what happened between them, the sum of two processes' what happened in both.
    """

    values: dict[tuple[str, Labels], float]

    def __sub__(self, earlier: "Sums") -> "Sums":
        return Sums({key: value - earlier.values.get(key, 0.0) for key, value in self.values.items()})

    def __add__(self, other: "Sums") -> "Sums":
        keys = self.values.keys() | other.values.keys()
        return Sums({key: self.values.get(key, 0.0) + other.values.get(key, 0.0) for key in keys})

    def total(self, name: str, **labels: str) -> float:
        """The sum over all series of the name that have these labels."""
        wanted = set(labels.items())
        return sum(
            value for (found, having), value in self.values.items() if found == name and wanted <= set(having)
        )


def read_sums(text: str) -> Sums:
    """The text of /metrics."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return Sums({(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples})


def mean_step_times(sums: Sums) -> StepTimes:
    """What it takes for all of a batch to step, by the mean size under each label.

    Some of a batch go ahead while others wait, so that it is the time a sample's step took, times the samples.
    Raises SettingsError before the first step.
    """
    seconds = {}
    for name, labels in sums.values:
        batch = dict(labels).get("batch")
        if name == "h2serve_step_seconds_count" and batch is not None:
            count = sums.total(name, batch=batch)
            stepped = sums.total("h2serve_samples_stepped_total", batch=batch)
            if count > 0 and stepped > 0:
                size = sums.total("h2serve_step_samples_total", batch=batch) / count
                of_sample_s = sums.total("h2serve_step_seconds_sum", batch=batch) / stepped
                seconds[size] = max(SHORTEST_S, size * of_sample_s)
    if not seconds:
        raise SettingsError(
            "no step was taken there yet; an API without an engine takes none: name its workers too"
        )
    return StepTimes(seconds)


def mean_steps(sums: Sums) -> int:
    """Denoising steps of an image, as its request had them. Raises SettingsError before the first image.

    What was stepped of images that are under way or were dropped is laid on the finished ones: rather too much.
    """
    finished = sums.total("h2serve_images_total", end="finished")
    if not finished:
        raise SettingsError("no image was finished there yet, from which steps are known: give --steps")
    return max(1, round(sums.total("h2serve_samples_stepped_total") / finished))


def mean_computed(sums: Sums, steps: int) -> int:
    """How many of an image's ``steps`` compute, by the share of all rows that did; all before the first step."""
    rows = sums.total("h2serve_steps_total")
    share = sums.total("h2serve_stage_rows_sum", stage="structure") / rows if rows else 1.0
    return max(1, round(share * steps))


def mean_stage_s(sums: Sums, stage: str) -> float:
    """Mean seconds of an image's ``encode`` or ``decode``. Raises SettingsError before the first answer."""
    count = sums.total("h2serve_generation_stage_seconds_count", stage=stage)
    if not count:
        raise SettingsError(f"no image was answered there yet; a worker answers none: name its API, or --{stage}")
    return sums.total("h2serve_generation_stage_seconds_sum", stage=stage) / count
