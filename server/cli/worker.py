"""``h2serve worker``: one engine that takes its jobs from Redis."""

import os
from typing import Annotated

import typer

from server.cli.early_end import end_early_when_told
from server.cli.options import Device, Dtype, MaxBatch, Model, Profile, QueueRedis, ResultsRedis
from server.cli.serving import serving_settings


def worker(
    redis: QueueRedis = None,
    results_redis: ResultsRedis = None,
    model: Model = None,
    device: Device = None,
    dtype: Dtype = None,
    max_batch: MaxBatch = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="of /metrics, /livez, /readyz; 0 for a free one (0)")
    ] = None,
    config: Profile = None,
    engine: Annotated[
        str | None, typer.Option(hidden=True, help="a fake engine of server/engine/faulty.py")
    ] = None,
) -> None:
    """Work on the jobs that `h2serve api` takes in; any number of workers, on any number of hosts."""
    end_early_when_told()
    from prometheus_client import CollectorRegistry

    from server.app_engine import real_engine
    from server.app_models import served_profile
    from server.cluster.stores import open_stores
    from server.cluster.worker_server import WorkerServer
    from server.engine.faulty import fake_engine
    from server.loading import run_and_leave
    from server.metrics.jobs import JobMetrics
    from server.serve import open_socket
    from server.worker.upkeep import HungEngine

    settings = serving_settings(
        config,
        redis=redis,
        results_redis=results_redis,
        model=model,
        device=device,
        dtype=dtype,
        max_batch=max_batch,
        metrics_port=metrics_port,
    )
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

    try:
        run_and_leave(server.serve(greet))
    except HungEngine as error:
        typer.echo(f"h2serve: {error.message}", err=True)
        # Python's own end would wait for the device, and the device for what hangs on it.
        os._exit(1)
