"""``h2serve bench --http``: the numbers of streams as a table."""

from collections.abc import Callable, Iterator

from server.bench.row import Row, print_rows
from server.bench.streams.asker import PARTIALS
from server.bench.streams.many import Load, measure_many
from server.bench.streams.progress import measure_progress
from server.bench.streams.servers import distributed_metronome, embedded_metronome

MODES = {"embedded": embedded_metronome, "Redis": distributed_metronome}


def print_http_table(only: str | None, as_json: bool) -> None:
    """Measure and print. Raises SettingsError where ``only`` is none of its parts."""
    parts: dict[str, Callable[[], Iterator[Row]]] = {"progress": progress_rows, "streams": stream_rows}
    print_rows("h2serve bench --http", parts, only, as_json)


def progress_rows() -> Iterator[Row]:
    """With flux-nano."""
    got = measure_progress()
    events = f"{got.events_per_image:.0f} events an image"
    yield Row(
        "throughput with progress events",
        f"{got.cpu_ratio:.3f}x",
        ">= 0.97x",
        f"of the same requests without, by the server's CPU time; {got.wall_ratio:.3f}x by the clock; {events}",
    )
    yield Row("first event of a job", f"{got.first_event_ms:.0f} ms", "", "from the submit, over a second request")
    yield Row(
        "first preview",
        f"{got.first_partial_ms:.0f} ms",
        "",
        f"of {PARTIALS}; the image after {got.whole_ms:.0f} ms",
    )
    yield Row("each preview", f"{got.a_partial_ms:.1f} ms", "", "of the server's CPU time, over an answer without")


def stream_rows() -> Iterator[Row]:
    """With an engine that steps by the clock, in both modes."""
    for mode, start in MODES.items():
        got = measure_many(start, Load())
        yield Row(
            f"{got.streams} streams, {mode}: p99",
            f"{got.p99_ms:.0f} ms",
            "<= 250 ms",
            f"p50 {got.p50_ms:.0f} ms, most {got.most_ms:.0f} ms; of {got.events} events {got.astray} streams "
            "lost, repeated or mixed up any",
        )
