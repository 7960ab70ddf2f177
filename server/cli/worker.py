"""``h2serve worker``: one engine that takes its jobs from Redis."""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from server.cli.early_end import end_early_when_told


def worker(
    redis: Annotated[str | None, typer.Option(help="redis://HOST:PORT/DB of the queue")] = None,
    results_redis: Annotated[str | None, typer.Option(help="of the images (the queue's)")] = None,
    model: Annotated[
        str | None, typer.Option(help="a profile's name, a diffusers folder or a hub id (flux-nano)")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps (auto)")] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, float32, bfloat16 or float16 (auto)")] = None,
    max_batch: Annotated[int | None, typer.Option(help="samples in one forward at most (8)")] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="of /metrics, /livez, /readyz; 0 for a free one (0)")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="a TOML profile; the rest is as in config/default.toml")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(hidden=True, help="a fake engine of server/engine/faulty.py")
    ] = None,
) -> None:
    """Work on the jobs that `h2serve api` takes in; any number of workers, on any number of hosts."""
    end_early_when_told()
    from prometheus_client import CollectorRegistry

    from server.app import real_engine, served_profile
    from server.cluster.stores import open_stores
    from server.cluster.worker_server import WorkerServer
    from server.engine.faulty import fake_engine
    from server.loading import run_and_leave
    from server.metrics.jobs import JobMetrics
    from server.serve import open_socket
    from server.settings import DEFAULT_FILE, load_settings

    flags = {
        "redis": redis,
        "results_redis": results_redis,
        "model": model,
        "device": device,
        "dtype": dtype,
        "max_batch": max_batch,
        "metrics_port": metrics_port,
    }
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Read when transformers is imported: it would remark that torchvision is not there, and nothing needs it.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(config or DEFAULT_FILE, given, os.environ)
    profile = served_profile(settings)
    registry = CollectorRegistry()
    stores = open_stores(settings, JobMetrics(registry).ended)
    listening = open_socket(settings.metrics_host, settings.metrics_port)
    port = listening.getsockname()[1]
    fake = None if engine is None else fake_engine(engine, settings.max_batch)
    server = WorkerServer(
        settings, profile, stores, lambda: fake or real_engine(settings, profile), listening, registry
    )

    def greet(name: str) -> None:
        metrics = f"http://{settings.metrics_host}:{port}/metrics"
        typer.echo(f"h2serve worker {name}: {profile.name}, queue in {stores.addresses[0]}, metrics at {metrics}")

    run_and_leave(server.serve(greet))
