"""``locust -f load_tests/journeys/locustfile.py --host http://127.0.0.1:8000``: all journeys, by their weights."""

import sys
from argparse import ArgumentParser
from typing import Any

from locust import events
from locust.env import Environment

from load_tests.errors import LoadTestError
from load_tests.journeys.asking import Asking
from load_tests.journeys.bad_input import Mistaken
from load_tests.journeys.hanging_up import HangingUp
from load_tests.journeys.looking import Looking
from load_tests.target import checked_url

__all__ = ["Asking", "HangingUp", "Looking", "Mistaken"]


def add_flags(parser: ArgumentParser) -> None:
    """The one that the other load tests have too."""
    parser.add_argument("--i-own-this-server", action="store_true", help="allow a host that is not this machine")


def refuse_strangers(environment: Environment, **_: Any) -> None:
    """Exit code 2 for a host that may not be loaded."""
    options = environment.parsed_options
    assert options is not None
    try:
        checked_url(environment.host or "", options.i_own_this_server)
    except LoadTestError as error:
        sys.exit(f"locust: {str(error).replace('--url', '--host')}")


events.init_command_line_parser.add_listener(add_flags)
events.init.add_listener(refuse_strangers)
