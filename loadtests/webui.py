"""The locustfile for Locust's page: the same people as `failwhale load`, by mouse.

    locust -f loadtests/webui.py            and open http://localhost:8089

The environment says where the site is (see target.py). The page begins with what is sensible on a laptop, and
offers plain people or the shape AllTimeHigh; the open loop is for `failwhale load` alone.

However much somebody types, a load is bounded: so many people, so many requests a second, so long; and it
goes to this site. What it did is told on the page only: the ledger knows the loads of `failwhale load`.
"""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from collections.abc import Collection, Mapping

import gevent
from flask import Response, jsonify, request
from locust import events
from locust.env import Environment
from locust.runners import STATE_INIT, STATE_STOPPED
from locust.util.timespan import parse_timespan
from locust.web import WebUI

from foundation.failure import USAGE, Failure
from loadtests.generator import LAST_ANSWERS_WITHIN
from loadtests.instruments import end_with_load, renew
from loadtests.shapes.all_time_high import TIMES_THE_USUAL, AllTimeHigh
from loadtests.target import edges_here
from loadtests.users import Poster, Reader, Retweeter

__all__ = ["AllTimeHigh", "Poster", "Reader", "Retweeter"]

MOST_PEOPLE = 400
"""Users at a time, at the height of a shape."""

MOST_REQUESTS = 1000
"""Requests per second that can be asked for, of all usual users together."""

LONGEST = 15 * 60
"""Seconds after which every load ends."""

USUAL_PEOPLE, USUAL_SECONDS = 50, 60

log = logging.getLogger(__name__)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _offer_shapes(parser: ArgumentParser) -> None:
    parser.set_defaults(class_picker=True)


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare_page(environment: Environment, web_ui: WebUI | None = None, **_: object) -> None:
    if web_ui is None:
        log.error("this locustfile is for Locust's page; on the command line: failwhale load")
        raise SystemExit(USAGE)
    options = environment.parsed_options
    assert options is not None
    options.num_users, options.spawn_rate, options.run_time = USUAL_PEOPLE, USUAL_PEOPLE / 2, USUAL_SECONDS
    environment.stop_timeout = LAST_ANSWERS_WITHIN
    try:
        environment.host = next(iter(edges_here().values()))
        for kind in environment.user_classes:
            kind.host = environment.host  # for the page; every request names its edge
    except Failure:
        pass  # No site yet: whoever starts a load is told.

    assert web_ui.app is not None

    @web_ui.app.before_request
    def refuse() -> Response | None:
        """Locust shows the message instead of starting a load."""
        if request.endpoint != "locust.swarm":
            return None
        try:
            _check(environment)
        except Failure as failure:
            message = f"{failure.message}. {failure.next_step}"
            return jsonify({"success": False, "message": message, "host": environment.host})
        return None


def _check(environment: Environment) -> None:
    """Make ready for the load that the page asks for. Raises Failure when there must be none."""
    check_bounds(request.form, edges_here().values())
    runner = environment.runner
    if runner is None or runner.state in (STATE_INIT, STATE_STOPPED):
        renew()


def check_bounds(form: Mapping[str, str], addresses: Collection[str]) -> None:
    """Raise Failure when a form of the page asks for too much, or for a site at another address."""
    times = TIMES_THE_USUAL if form.get("shape_class") == AllTimeHigh.__name__ else 1
    for name, what, most in (
        ("user_count", "Users", MOST_PEOPLE // times),
        ("num_users", "Users", MOST_PEOPLE // times),
        ("rate", "Requests per second", MOST_REQUESTS),
        ("run_time", "Seconds to run", LONGEST),
    ):
        if not 0 <= _number(name, form.get(name) or "0") <= most:
            raise Failure(f"{what}: {form[name]} is too much", f"Choose at most {most:,}", USAGE)
    host = form.get("host", "")
    if host and host.rstrip("/") not in addresses:
        raise Failure(f"{host} is another site", f"The load goes to {' and '.join(addresses)}", USAGE)


def _number(name: str, text: str) -> float:
    try:
        return float(parse_timespan(text) if name == "run_time" else text)
    except ValueError:
        raise Failure(f"{text!r} is no number", "Type one such as 50", USAGE) from None


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _end_in_time(environment: Environment, **_: object) -> None:
    """Also a load for which no time was given."""
    runner = environment.runner
    assert runner is not None
    end_with_load(environment, gevent.spawn_later(LONGEST, runner.stop))
