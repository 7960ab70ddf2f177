"""``locust -f load_tests/journeys/locustfile.py --host http://127.0.0.1:8000``: all journeys, by their weights."""

from argparse import ArgumentParser
from typing import Any

from locust import events
from locust.env import Environment
from rich.console import Console

from load_tests.errors import told_in_one_line
from load_tests.journeys.asking import Asking
from load_tests.journeys.bad_input import Mistaken
from load_tests.journeys.hanging_up import HangingUp
from load_tests.journeys.looking import Looking
from load_tests.journeys.streaming import Streaming
from load_tests.journeys.submitting import Submitting
from load_tests.target import checked_url

__all__ = ["Asking", "HangingUp", "Looking", "Mistaken", "Streaming", "Submitting"]


def add_flags(parser: ArgumentParser) -> None:
    """The one that the other load tests have too."""
    parser.add_argument("--i-own-this-server", action="store_true", help="allow a host that is not this machine")


def refuse_strangers(environment: Environment, **_: Any) -> None:
    """Exit code 2 for a host that may not be loaded."""
    options = environment.parsed_options
    assert options is not None
    with told_in_one_line("locust", Console(stderr=True)):
        checked_url(environment.host or "", options.i_own_this_server, flag="--host")


events.init_command_line_parser.add_listener(add_flags)
events.init.add_listener(refuse_strangers)
