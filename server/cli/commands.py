"""All commands of ``h2serve``."""

import typer

from server.cli.api import api
from server.cli.bench import bench
from server.cli.calibrate import calibrate
from server.cli.cluster import cluster
from server.cli.compare import compare
from server.cli.doctor import doctor
from server.cli.generate import generate
from server.cli.keys import keys_group
from server.cli.plan import plan
from server.cli.queue import queue_group
from server.cli.serve import serve
from server.cli.worker import worker

COMMANDS = (serve, api, worker, cluster, generate, compare, doctor, calibrate, plan, bench)
"""In the order of ``h2serve --help``; a command's name and help are its function's name and docstring."""
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""For ``bench --serve``, whose flags are those of another program."""


def create_cli() -> typer.Typer:
    """The command line, to be called with its words."""
    cli = typer.Typer(
        name="h2serve",
        help="Flux images, with two thresholds a request that trade speed for fidelity.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for command in COMMANDS:
        cli.command(context_settings=PASSED_ON if command is bench else None)(command)
    cli.add_typer(keys_group())
    cli.add_typer(queue_group())
    return cli
