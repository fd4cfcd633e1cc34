"""What every load has, whatever its shape: options, the site it goes to, the tally, and who is told of it.

`failwhale load` reads the tally from a pipe whose number is in FAILWHALE_LOAD_PIPE, one line of JSON each
second and a last one with the summary. When nobody reads that pipe any more, the load stops: it never
outlives who asked for it.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import signal
import time
import uuid
from argparse import ArgumentParser
from dataclasses import dataclass, field
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from foundation.failure import Failure
from loadtests.acknowledged import Record
from loadtests.crowd import Crowd
from loadtests.generator import NAME, PIPE
from loadtests.tally import Tally
from loadtests.target import Target

REQUESTS_PER_SECOND = 2.0
"""How often a person asks for something, unless `--rate` says how often all of them do."""

FOREVER = 86_400.0
"""Seconds that a load takes when no one says how many."""

_PROGRESS_EVERY = 1.0
_LOOK_EVERY = 0.05

_HURRY = 1.0
"""Seconds that requests in flight have when the load is interrupted."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocustOptions:
    """What was asked for. `rate` is requests per second of all the usual people together."""

    people: int
    rate: float
    seconds: float
    ignore_retry_after: bool


def options_of(environment: Environment) -> LocustOptions:
    """The options of this run of Locust, with failwhale's defaults."""
    parsed = environment.parsed_options
    assert parsed is not None
    people = parsed.num_users or 1
    return LocustOptions(
        people=people,
        rate=parsed.rate or REQUESTS_PER_SECOND * people,
        seconds=float(parsed.run_time or FOREVER),
        ignore_retry_after=parsed.ignore_retry_after,
    )


@dataclass
class LocustRun:
    """One run of Locust against one site."""

    target: Target
    crowd: Crowd
    tally: Tally
    record: Record | None
    pipe: int | None
    began: float = field(default_factory=time.perf_counter)
    interrupted: bool = False

    def __post_init__(self) -> None:
        self._edges = itertools.cycle(self.target.edges)

    def next_edge(self) -> str:
        """The edge that the next person prefers: each in turn."""
        return next(self._edges)

    def tell(self, kind: str, content: dict[str, Any]) -> None:
        """A line to whoever asked for this load. Raises BrokenPipeError when they are gone."""
        if self.pipe is not None:
            os.write(self.pipe, json.dumps({kind: content}, separators=(",", ":")).encode() + b"\n")


_current: LocustRun | None = None


def current(environment: Environment) -> LocustRun:
    """The load of this process; the first call finds the site. Ends Locust with one line without one."""
    if _current is None:
        try:
            return renew()
        except Failure as failure:
            log.error("%s. %s", failure.message, failure.next_step)
            environment.process_exit_code = failure.code
            raise SystemExit(failure.code) from None
    return _current


def renew() -> LocustRun:
    """Find the site, and begin to count anew. Raises Failure without a site or without people on it."""
    global _current
    target = Target.from_environment()
    pipe = os.environ.get(PIPE)
    name = os.environ.get(NAME) or uuid.uuid4().hex[:8]
    if _current is not None and _current.record is not None:
        _current.record.close()
    _current = LocustRun(
        target=target,
        crowd=Crowd(target.census),
        tally=Tally(),
        record=Record(target.acknowledged, name) if target.acknowledged else None,
        pipe=int(pipe) if pipe else None,
    )
    return _current


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: ArgumentParser) -> None:
    options = parser.add_argument_group("failwhale")
    options.add_argument(
        "--rate",
        type=float,
        default=0.0,
        help="Requests per second of all usual users together (default: 2 for each).",
    )
    options.add_argument(
        "--ignore-retry-after",
        action="store_true",
        help="Do not wait when the site says Retry-After, as polite clients do.",
    )


@events.init.add_listener  # type: ignore[untyped-decorator]
def _find_the_site(environment: Environment, web_ui: object = None, **_: object) -> None:
    # Who has a page may find the site when the load begins.
    if web_ui is None:
        current(environment)


def end_on_interrupt(environment: Environment) -> None:
    """Let Ctrl-C end the load as its time would, only faster; for shapes, which look at `interrupted`.

    Where there is a page, Ctrl-C is to end more than a load.
    """
    if environment.web_ui is not None:
        return

    def interrupt() -> None:
        environment.stop_timeout = _HURRY
        current(environment).interrupted = True

    gevent.signal_handler(signal.SIGINT, interrupt)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _watch(environment: Environment, **_: object) -> None:
    load = current(environment)
    load.began = time.perf_counter()
    end_with_load(environment, gevent.spawn(_watch_own_lag, load))
    end_with_load(environment, gevent.spawn(_tell_progress, load, environment))


def end_with_load(environment: Environment, greenlet: gevent.Greenlet) -> None:
    """Let a greenlet live as long as the load that runs now."""

    def end(**_: object) -> None:
        environment.events.test_stop.remove_listener(end)  # type: ignore[no-untyped-call]
        greenlet.kill(block=False)

    environment.events.test_stop.add_listener(end)  # type: ignore[no-untyped-call]


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _finish(environment: Environment, **_: object) -> None:
    load = _current
    if load is None:
        return
    summary = load.tally.summary()
    log.info("offered %(offered)d, sent %(sent)d, completed %(completed)d, good %(good)d", summary)
    try:
        load.tell("summary", summary)
    except BrokenPipeError:
        log.warning("nobody is left to read the result")


def _watch_own_lag(load: LocustRun) -> None:
    """A generator that is late for its own naps is late for its users, too."""
    while True:
        due = time.perf_counter() + _LOOK_EVERY
        gevent.sleep(_LOOK_EVERY)
        load.tally.lag(max(0.0, time.perf_counter() - due))


def _tell_progress(load: LocustRun, environment: Environment) -> None:
    runner = environment.runner
    assert runner is not None
    while True:
        gevent.sleep(_PROGRESS_EVERY)
        progress = load.tally.progress()
        progress["elapsed"] = time.perf_counter() - load.began
        progress["people"] = runner.user_count
        try:
            load.tell("progress", progress)
        except BrokenPipeError:
            environment.stop_timeout = _HURRY
            load.interrupted = True
            return
