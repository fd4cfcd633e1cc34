"""A site's beginning and end on Docker."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.advice import how_to_stop
from testbed.runtimes.docker import beginning, ending, obstacles, outlook
from testbed.runtimes.docker.greenness import wait_until_green
from testbed.runtimes.docker.host import Explained
from testbed.runtimes.docker.outlook import DockerOutlook
from testbed.runtimes.docker.project import is_up
from testbed.runtimes.lifecycle import Ended, Lifecycle, Standing, StartListener, Wishes


class DockerLifecycle(Lifecycle[DockerOutlook]):
    """By `docker compose` on the host. Raises Failure without an engine."""

    def look_ahead(self, wishes: Wishes, environment: Mapping[str, str]) -> DockerOutlook:
        return outlook.look_ahead(self._state, wishes, environment)

    def is_up(self) -> bool:
        return is_up(self._state)

    def start(self, outlook: DockerOutlook, was_up: bool, within: float, listener: StartListener) -> None:
        """`within` begins when all containers are started, and anew when all are healthy: building and
        pulling take as long as they take."""
        with told_how_to_stop(self._state, was_up):
            missing = obstacles.missing(outlook)
            obstacles.check_ports(outlook, only=missing)
            if was_up:
                listener.already_up(missing)
                obstacles.wait_for_second_look(outlook, within)
            outlook = obstacles.without_what_cannot_be_had(outlook, listener.say)
            for row in outlook.left_out:
                listener.left_out(row)
            listener.say("building what changed and starting the containers")
            beginning.begin(self._state, outlook, within, quiet=listener.is_quiet)
            listener.ready()
            if wait_until_green(outlook, time.monotonic() + within, listener.note):
                listener.green()

    def look(self) -> Standing:
        from testbed.runtimes.docker.client import Docker  # it takes the engine's client 0.2 s to load

        return Standing(Docker(self._state).status())  # on the host it says where to ask

    def end(self, *, purge: bool = False) -> Ended:
        was_up = is_up(self._state)
        kept = ending.end(self._state, purge=purge)
        return Ended(
            was_up,
            [
                f"Docker's engine keeps the network {network}, though nothing is on it: "
                "it has miscounted, and lets go of it when it is restarted"
                for network in kept
            ],
        )


@contextmanager
def told_how_to_stop(state: State, was_up: bool) -> Iterator[None]:
    """Who cannot start a site on Docker is told what to do about those of its parts that run already."""
    try:
        yield
    except Failure as failure:
        if was_up or not is_up(state):
            raise
        # docker/compose.sh knows of no state folder, so where it says how to stop, too, we know better.
        step = failure.first_step if isinstance(failure, Explained) else failure.next_step
        steps = "; ".join(filter(None, [step, how_to_stop(state)]))
        raise Failure(failure.message, steps, failure.code) from None
    except SystemExit:  # why has been said
        if not was_up and is_up(state):
            print(f"  {how_to_stop(state)}", file=sys.stderr)
        raise
