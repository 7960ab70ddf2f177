"""``h2serve api``: the HTTP API in front of workers in other processes."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from server.cli.early_end import end_early_when_told


def api(
    redis: Annotated[str | None, typer.Option(help="redis://HOST:PORT/DB of the queue")] = None,
    results_redis: Annotated[str | None, typer.Option(help="of the images (the queue's)")] = None,
    model: Annotated[str | None, typer.Option(help="whose profile is served (flux-nano)")] = None,
    host: Annotated[str | None, typer.Option(help="address to listen on (127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on, 0 for a free one (8000)")] = None,
    max_queue: Annotated[int | None, typer.Option(help="images waiting at most (128)")] = None,
    keys: Annotated[str | None, typer.Option(help="a file or Redis URL of keys, see `h2serve keys`")] = None,
    insecure_no_auth: Annotated[
        bool, typer.Option("--insecure-no-auth", help="serve anybody, on an address that others reach")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="a TOML profile; the rest is as in config/default.toml")
    ] = None,
) -> None:
    """Serve the HTTP API; the work is done by `h2serve worker`."""
    end_early_when_told()
    from prometheus_client import CollectorRegistry

    from server.app import served_models
    from server.app_access import keys_of
    from server.cli.serve import address_of
    from server.cluster.api_server import ApiServer
    from server.cluster.stores import open_stores
    from server.metrics.jobs import JobMetrics
    from server.serve import open_socket, serve
    from server.settings import DEFAULT_FILE, load_settings

    flags = {
        "redis": redis,
        "results_redis": results_redis,
        "model": model,
        "host": host,
        "port": port,
        "max_queue": max_queue,
        "keys": keys,
        "insecure_no_auth": insecure_no_auth or None,
    }
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings(config or DEFAULT_FILE, given, os.environ)
    catalogue = served_models(settings)
    keys_of(settings)  # before anything is opened
    registry = CollectorRegistry()
    stores = open_stores(settings, JobMetrics(registry).ended)
    listening = open_socket(settings.host, settings.port)
    address = address_of(*listening.getsockname()[:2])

    def greet() -> None:
        typer.echo(f"h2serve api: {catalogue.default.name} at {address}, queue in {stores.addresses[0]}")

    asyncio.run(serve(ApiServer(settings, catalogue, stores, registry), listening, greet))
