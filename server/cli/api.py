"""``h2serve api``: the HTTP API in front of workers in other processes."""

import asyncio
from typing import Annotated

import typer

from server.cli.early_end import end_early_when_told
from server.cli.options import Host, MaxQueue, Port, Profile, QueueRedis, ResultsRedis
from server.cli.serving import serving_settings


def api(
    redis: QueueRedis = None,
    results_redis: ResultsRedis = None,
    model: Annotated[str | None, typer.Option(help="whose profile is served (flux-nano)")] = None,
    host: Host = None,
    port: Port = None,
    max_queue: MaxQueue = None,
    keys: Annotated[str | None, typer.Option(help="a file or Redis URL of keys, see `h2serve keys`")] = None,
    insecure_no_auth: Annotated[
        bool, typer.Option("--insecure-no-auth", help="serve anybody, on an address that others reach")
    ] = False,
    config: Profile = None,
) -> None:
    """Serve the HTTP API; the work is done by `h2serve worker`."""
    end_early_when_told()
    from prometheus_client import CollectorRegistry

    from server.app_access import keys_of
    from server.app_models import served_models
    from server.cli.serve import address_of
    from server.cluster.api_server import ApiServer
    from server.cluster.stores import open_stores
    from server.metrics.jobs import JobMetrics
    from server.serve import open_socket, serve

    settings = serving_settings(
        config,
        redis=redis,
        results_redis=results_redis,
        model=model,
        host=host,
        port=port,
        max_queue=max_queue,
        keys=keys,
        insecure_no_auth=insecure_no_auth or None,
    )
    catalogue = served_models(settings)
    keys_of(settings)  # before anything is opened
    registry = CollectorRegistry()
    stores = open_stores(settings, JobMetrics(registry).ended)
    listening = open_socket(settings.host, settings.port)
    address = address_of(*listening.getsockname()[:2])

    def greet() -> None:
        typer.echo(f"h2serve api: {catalogue.default.name} at {address}, queue in {stores.addresses[0]}")

    asyncio.run(serve(ApiServer(settings, catalogue, stores, registry), listening, greet))
