"""What a worker counts: steps, blocks, batches, images, leases, memory."""

from collections import Counter as Tally

from prometheus_client import CollectorRegistry

from server.engine.interface import BatchStepped, EngineFact, EngineMemory, RowStepped, TextEncoded
from server.metrics import buckets
from server.metrics.maker import MetricMaker
from server.metrics.thresholds import Labels, ThresholdRule
from server.request import CacheChoice

LARGEST_BATCH_LABEL = 64
PAIR = ("preset", "tau1", "tau2")
ENDS = ("finished", "failed", "dropped")
"""Of an image."""
RESUMES = ("full", "latents")


class WorkerMetrics:
    """Registers itself on the registry that is passed in; two in one process share nothing."""

    def __init__(self, registry: CollectorRegistry, rule: ThresholdRule) -> None:
        new = MetricMaker(registry)
        self._rule = rule
        self._steps = new.counter("h2serve_steps", "Rows' denoising steps by outcome", *PAIR, "outcome")
        self._blocks = new.counter("h2serve_blocks", "Transformer blocks run and skipped", *PAIR, "kind")
        said = "Block FLOPs spent, counted in steps that compute all blocks"
        self._spent = new.counter("h2serve_step_equivalents", said, *PAIR)
        said = "Denoising of one image by thresholds, waiting between its steps included"
        self._denoise = new.histogram("h2serve_pair_denoise_seconds", said, buckets.PAIR_S, "tau1", "tau2")
        self._batch_size = new.histogram("h2serve_batch_size", "Samples in a batch when it stepped", buckets.BATCH)
        said = "Rows of a step that computed the whole of a stage"
        self._rows = new.histogram("h2serve_stage_rows", said, (0, *buckets.BATCH), "stage")
        said = "Time of a batch's step by its size, rounded up to a power of two"
        self._step_seconds = new.histogram("h2serve_step_seconds", said, buckets.STEP_S, "batch")
        said = "Samples in these batches: over the steps' count the mean size under a label"
        self._step_samples = new.counter("h2serve_step_samples", said, "batch")
        said = "Samples that took these steps: the others waited to compute together"
        self._samples_stepped = new.counter("h2serve_samples_stepped", said, "batch")
        self._batch_limit = new.gauge("h2serve_batch_limit", "Samples in a batch at most")
        self._images = new.counter("h2serve_images", "Images by how they ended", "end")
        for end in ENDS:
            self._images.labels(end)
        said = "Prompts by where their embedding came from"
        self._texts = new.counter("h2serve_text_encodings", said, "source")
        self._results = new.counter("h2serve_results_bytes", "Bytes of images stored")
        self._attempts = new.histogram("h2serve_job_attempts", "Which attempt a taken job is", buckets.ATTEMPTS)
        said = "Jobs that went to another worker while this one held them"
        self._lost = new.counter("h2serve_leases_lost", said)
        self._resumes = new.counter("h2serve_resumes", "Samples taken up from a checkpoint", "kind")
        for kind in RESUMES:
            self._resumes.labels(kind)
        said = "At the last step: what running samples will hold at most, their budget, the device's allocations"
        self._memory = new.gauge("h2serve_memory_bytes", said, "kind")

    def labels_of(self, choice: CacheChoice) -> Labels:
        """How a request's rule is written in labels."""
        return self._rule.labels(choice)

    def batch_limit_is(self, samples: int) -> None:
        """Set how many samples a step may have."""
        self._batch_limit.set(samples)

    def engine_said(self, fact: EngineFact) -> None:
        """Count what the engine's observer is told."""
        if isinstance(fact, TextEncoded):
            self._texts.labels("cache" if fact.was_known else "model").inc()
        else:
            self._stepped(fact)

    def image_ended(self, end: str) -> None:
        """Count an image as finished, failed or dropped."""
        self._images.labels(end).inc()

    def image_denoised(self, choice: CacheChoice, seconds: float) -> None:
        """Time of one image's denoising."""
        labels = self._rule.labels(choice)
        self._denoise.labels(labels.tau1, labels.tau2).observe(seconds)

    def result_stored(self, num_bytes: int) -> None:
        """Count an image file's bytes."""
        self._results.inc(num_bytes)

    def job_taken(self, attempt: int) -> None:
        """Count a lease by its attempt, from 1."""
        self._attempts.observe(attempt)

    def leases_lost(self, count: int) -> None:
        """Count leases that are another worker's now."""
        self._lost.inc(count)

    def resumed(self, kind: str) -> None:
        """Count a sample that went on from a checkpoint: ``full``, or ``latents`` without its cache."""
        self._resumes.labels(kind).inc()

    def _stepped(self, step: BatchStepped) -> None:
        self._batch_size.observe(step.batch_size)
        label = batch_label(step.batch_size)
        self._step_seconds.labels(label).observe(step.seconds)
        self._step_samples.labels(label).inc(step.batch_size)
        self._samples_stepped.labels(label).inc(step.batch_size - step.waiting)
        for stage, rows in stage_rows(step.rows).items():
            self._rows.labels(stage).observe(rows)
        self._count_rows(step.rows)
        if step.memory is not None:
            self._set_memory(step.memory)

    def _count_rows(self, rows: tuple[RowStepped, ...]) -> None:
        """One increment a pair and outcome, not one a row."""
        outcomes: Tally[tuple[Labels, str]] = Tally()
        run: Tally[Labels] = Tally()
        skipped: Tally[Labels] = Tally()
        spent: dict[Labels, float] = {}
        for row in rows:
            labels = self._rule.labels(row.cache)
            outcomes[labels, row.outcome] += 1
            run[labels] += row.blocks_run
            skipped[labels] += row.blocks_total - row.blocks_run
            spent[labels] = spent.get(labels, 0.0) + row.flops_share
        for (labels, outcome), count in outcomes.items():
            self._steps.labels(*_pair(labels), outcome).inc(count)
        for labels, share in spent.items():
            self._blocks.labels(*_pair(labels), "run").inc(run[labels])
            self._blocks.labels(*_pair(labels), "skipped").inc(skipped[labels])
            self._spent.labels(*_pair(labels)).inc(share)

    def _set_memory(self, memory: EngineMemory) -> None:
        self._memory.labels("samples").set(memory.samples_bytes)
        self._memory.labels("budget").set(memory.budget_bytes)
        if memory.device_bytes is not None:
            self._memory.labels("device").set(memory.device_bytes)


def batch_label(batch_size: int) -> str:
    """1, 2, 4, 8 ...: the next power of two, at most ``LARGEST_BATCH_LABEL``."""
    return str(min(LARGEST_BATCH_LABEL, 1 << (batch_size - 1).bit_length()))


def stage_rows(rows: tuple[RowStepped, ...]) -> dict[str, int]:
    """How many rows computed each stage; detail is computed only where structure is."""
    outcomes = [row.outcome for row in rows]
    return {
        "structure": len(outcomes) - outcomes.count("structure_hit"),
        "detail": outcomes.count("full"),
    }


def _pair(labels: Labels) -> tuple[str, str, str]:
    return labels.preset, labels.tau1, labels.tau2
