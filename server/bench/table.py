"""``h2serve bench --engine``: the numbers of docs/benchmarks.md as a table."""

import itertools
from collections.abc import Callable, Iterator

from server.bench.http import measure_http
from server.bench.key_check import KEYS, measure_key_check
from server.bench.memory import measure_memory
from server.bench.row import Row, print_rows
from server.profile import load_profile


def print_table(only: str | None, model: str, device: str, as_json: bool) -> None:
    """Measure and print; ``model`` and ``device`` are of the parts that take them."""
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "overhead": overhead_rows,
        "throughput": lambda: throughput_rows(model, device),
        "batches": lambda: batch_rows(model, device),
        "decoding": lambda: decoding_rows(model, device),
        "http": http_rows,
        "memory": memory_rows,
        "scrape": scrape_rows,
        "presets": lambda: preset_rows(model, device),
        "checkpoints": lambda: checkpoint_rows(model, device),
    }
    print_rows("h2serve bench --engine", parts, only, as_json)


def overhead_rows() -> Iterator[Row]:
    """The cache's own cost."""
    from server.bench.overhead import METHODS, measure_overhead

    for name, batch_size in itertools.product(METHODS, (1, 8)):
        got = measure_overhead(batch_size, name)
        yield Row(
            f"cache overhead, {name}, batch {batch_size}",
            f"{got.cpu_ratio:.3f}",
            "<= 1.05",
            f"wall on 2 threads {got.wall_ratio:.3f}; {got.ideal_wall_ratio:.3f} x share of FLOPs "
            f"({got.flops_ratio:.3f}) x uncached",
        )


def throughput_rows(model: str, device: str) -> Iterator[Row]:
    """Images a second against FluxPipeline with first-block caching."""
    from server.bench.throughput import measure_throughput

    got = measure_throughput(load_profile(model), device)
    yield Row(
        f"throughput on {model}",
        f"{got.ratio:.2f}x",
        ">= 1.4x",
        f"{got.images_per_s:.2f} against {got.baseline_images_per_s:.2f} img/s; blocks skipped "
        f"{got.skipped:.3f} and {got.baseline_skipped:.3f}; batch gain {got.batch_gain:.2f}",
    )


def batch_rows(model: str, device: str) -> Iterator[Row]:
    """How many of a batch compute together."""
    from server.bench.batches import measure_width

    ahead, decided = (measure_width(load_profile(model), device, name) for name in ("default", "paper"))
    yield Row(
        f"samples that compute together on {model}",
        f"{ahead:.2f} of 8",
        "",
        f"under default, whose reused steps go first; {decided:.2f} under paper, which has to probe",
    )


def decoding_rows(model: str, device: str) -> Iterator[Row]:
    """The VAE as we load it against the VAE as diffusers does."""
    from server.bench.decoding import measure_decoding

    got = measure_decoding(load_profile(model), device)
    yield Row(
        f"time of a decode on {model}",
        f"{got.ratio:.3f}x",
        "<= 1",
        f"weights in channels_last over contiguous; {got.ms:.0f} ms; the largest difference of a colour is "
        f"{got.largest_difference} of 255",
    )


def http_rows() -> Iterator[Row]:
    """HTTP, queue and worker around an instant engine."""
    got = measure_http()
    yield Row(
        "HTTP and queue, p50",
        f"{got.p50_ms:.1f} ms",
        "<= 10 ms",
        f"p99 {got.p99_ms:.1f} ms, {got.requests} requests",
    )
    yield Row("a key's check", f"{measure_key_check():.4f} ms", "<= 0.2 ms", f"median, among {KEYS} keys")


def memory_rows() -> Iterator[Row]:
    """Growth of the server's resident size."""
    got = measure_memory()
    mib = 2**20
    yield Row(
        "memory, 500 against 50 requests",
        f"{100 * got.growth:+.1f} %",
        "<= +3 %",
        f"{got.after_first / mib:.0f} and {got.after_last / mib:.0f} MiB",
    )


def scrape_rows() -> Iterator[Row]:
    """The metrics' text at its fullest."""
    from server.bench.scrape import measure_scrape

    got = measure_scrape()
    yield Row(
        "scrape after 10,000 threshold pairs",
        f"{got.series} series",
        "< 4000",
        f"{got.num_bytes / 1000:.0f} kB, rendered in {got.render_ms:.0f} ms; a step of three rows is counted in "
        f"{got.step_us:.0f} us",
    )


def preset_rows(model: str, device: str) -> Iterator[Row]:
    """Speed and fidelity of the model's presets, as its file in config/models states them."""
    from server.bench.presets import measure_presets

    for got in measure_presets(load_profile(model), device):
        yield Row(
            f"preset {got.choice.preset} ({got.choice.tau1}, {got.choice.tau2})",
            f"{got.speedup:.2f}x",
            "",
            f"share of block FLOPs {got.flops_ratio:.3f}; PSNR {got.psnr_db:.1f} dB against the uncached image",
        )


def checkpoint_rows(model: str, device: str) -> Iterator[Row]:
    """What saving every sample at each 8th step costs a batch of 8."""
    from server.bench.checkpoints import measure_checkpoints

    got = measure_checkpoints(load_profile(model), device)
    yield Row(
        f"time with checkpoints on {model}",
        f"{got.ratio:.3f}x",
        "",
        f"{got.per_pass} a pass of {got.mean_bytes / 2**10:.0f} KB, {got.read_ms:.1f} ms to read one",
    )
