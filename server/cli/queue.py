"""``h2serve queue``: look at the jobs in Redis, and mend."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from server.cli.options import Json

if TYPE_CHECKING:
    from server.jobs.admin import QueueAdmin
    from server.jobs.status import JobStatus

T = TypeVar("T")
Redis = Annotated[str | None, typer.Option(help="redis://HOST:PORT/DB of the queue (H2SERVE_REDIS)")]
Config = Annotated[Path | None, typer.Option(help="a TOML profile that names the queue")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="of h2serve queue list")]
NO_COLUMN = "-"


def status(redis: Redis = None, config: Config = None, as_json: Json = False) -> None:
    """Say how much waits and runs, and which workers live."""

    async def look(queue: "QueueAdmin") -> dict[str, Any]:
        depth, workers, models = await queue.depth(), await queue.workers(), await queue.models()
        return {**asdict(depth), "workers": [asdict(worker) for worker in workers], "models": sorted(models)}

    found = with_queue(redis, config, look)
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo(
        f"{found['images_waiting']} images of {found['jobs_waiting']} jobs wait, {found['images_running']} run; "
        f"models: {', '.join(found['models']) or 'none yet'}"
    )
    columns = ("worker", "model", "running", "max_images", "version", "address", "draining")
    show_table(columns, [[worker[column] for column in columns] for worker in found["workers"]])


def list_jobs(
    state: Annotated[
        list[str] | None, typer.Option(help="queued, running, finished, failed, cancelled, expired or dead (all)")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    redis: Redis = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List jobs: those that run, those that wait in their order, those that ended, last first."""
    from server.errors import RequestError
    from server.jobs.event import JobState

    allowed = [each.value for each in JobState]
    for name in state or ():
        if name not in allowed:
            raise RequestError(f"state {name[:32]!r} is unknown, allowed are {', '.join(allowed)}")
    states = [JobState(name) for name in state or allowed]
    jobs = with_queue(redis, config, lambda queue: queue.list_all(states, limit))
    if as_json:
        typer.echo(json.dumps([described(job) for job in jobs]))
        return
    columns = ("job_id", "state", "tenant", "model", "num_images", "position", "attempt", "step", "num_steps")
    show_table(columns, [[getattr(job, column) for column in columns] for job in jobs])


def show(job_id: JobId, redis: Redis = None, config: Config = None, as_json: Json = False) -> None:
    """Show all that is known of a job, but its prompt."""
    job = with_queue(redis, config, lambda queue: queue.status(job_id))
    if job is None:
        raise _unknown(job_id)
    if as_json:
        typer.echo(json.dumps(described(job)))
        return
    show_table(("field", "value"), list(described(job).items()))


def cancel(job_id: JobId, redis: Redis = None, config: Config = None, as_json: Json = False) -> None:
    """Cancel a job that waits or runs."""
    from server.errors import RequestError

    async def end(queue: "QueueAdmin") -> tuple[bool, bool]:
        return await queue.cancel(job_id), await queue.status(job_id) is not None

    is_cancelled, is_known = with_queue(redis, config, end)
    if not is_known:
        raise _unknown(job_id)
    if not is_cancelled:
        raise RequestError(f"job {job_id[:64]!r} has ended otherwise already")
    typer.echo(json.dumps({"job_id": job_id}) if as_json else f"h2serve: job {job_id} is cancelled")


def retry_dead(redis: Redis = None, config: Config = None, as_json: Json = False) -> None:
    """Give all dead jobs a new life, at the end of the line."""
    ids = with_queue(redis, config, lambda queue: queue.retry_dead())
    typer.echo(json.dumps(ids) if as_json else f"h2serve: {len(ids)} dead jobs wait again")


def drain(
    worker: Annotated[str, typer.Argument(metavar="WORKER", help="of h2serve queue status")],
    redis: Redis = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Ask a worker to take no more jobs, hand back what it has, and stop."""
    from server.errors import RequestError

    if not with_queue(redis, config, lambda queue: queue.drain(worker)):
        raise RequestError(f"no worker {worker[:64]!r} lives, see h2serve queue status")
    typer.echo(json.dumps({"worker": worker}) if as_json else f"h2serve: worker {worker} is asked to drain")


def with_queue(redis: str | None, config: Path | None, call: "Callable[[QueueAdmin], Awaitable[T]]") -> T:
    """What ``call`` makes of the queue that the options, the environment or the profile name."""
    from server.cluster.stores import queue_address
    from server.jobs.bull.queue import RedisQueue
    from server.settings import DEFAULT_FILE, load_settings

    settings = load_settings(config or DEFAULT_FILE, {} if redis is None else {"redis": redis}, os.environ)
    address = queue_address(settings)

    async def run() -> T:
        queue = RedisQueue(address, new_token=str)  # it takes no jobs
        try:
            return await call(queue)
        finally:
            await queue.close()

    return asyncio.run(run())


def described(job: "JobStatus") -> dict[str, Any]:
    """For people and programs, without what is not known."""
    return {name: value for name, value in asdict(job).items() if value is not None}


def show_table(columns: tuple[str, ...], rows: list[Any]) -> None:
    """A line a row."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns)
    for row in rows:
        table.add_row(*[NO_COLUMN if value is None else str(value) for value in row])
    Console().print(table)


def _unknown(job_id: str) -> Exception:
    from server.errors import RequestError

    return RequestError(f"job {job_id[:64]!r} is not known, or was forgotten an hour after its end")


def queue_group() -> typer.Typer:
    """The commands of ``h2serve queue``."""
    group = typer.Typer(name="queue", help="Look at the jobs in Redis, and mend.", no_args_is_help=True)
    group.command("status")(status)
    group.command("list")(list_jobs)
    group.command("show")(show)
    group.command("cancel")(cancel)
    group.command("retry-dead")(retry_dead)
    group.command("drain")(drain)
    return group
