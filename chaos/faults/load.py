"""What faults share that somebody must go on with: the controller does it, in turns, while it lives."""

from __future__ import annotations

import logging
import threading
import time
from abc import abstractmethod
from typing import NamedTuple

from chaos.fault import Fault, Injection, Proof
from foundation.failure import Failure
from testbed.site import Site

log = logging.getLogger(__name__)

_AGAIN_AFTER_FAILURE = 0.2
"""Seconds until somebody is asked again who was not there."""


class _UnderWay(NamedTuple):
    thread: threading.Thread
    enough: threading.Event


class Load(Fault):
    """A fault that ends with the controller, and the next one takes it up."""

    leaves_nothing = True

    def __init__(self) -> None:
        self._under_way: dict[str, _UnderWay] = {}

    @abstractmethod
    def bout(self, site: Site, injection: Injection) -> float:
        """Do it once. Returns the seconds until it is done again."""

    def apply(self, site: Site, injection: Injection) -> None:
        self.sustain(site, injection)

    def sustain(self, site: Site, injection: Injection) -> None:
        if self.is_under_way(injection):
            return
        enough, until = threading.Event(), time.monotonic() + injection.seconds
        name = f"load {injection.lease}"
        arguments = (site, injection, enough, until)
        thread = threading.Thread(target=self._go_on, args=arguments, name=name, daemon=True)
        self._under_way[injection.lease] = _UnderWay(thread, enough)
        thread.start()

    def _go_on(self, site: Site, injection: Injection, enough: threading.Event, until: float) -> None:
        while time.monotonic() < until:
            try:
                pause = self.bout(site, injection)
            except Failure as failure:
                log.info("%s: %s", injection.lease, failure)
                pause = _AGAIN_AFTER_FAILURE
            if enough.wait(pause):
                return

    def is_under_way(self, injection: Injection) -> bool:
        """Whether this controller is at it."""
        load = self._under_way.get(injection.lease)
        return load is not None and load.thread.is_alive()

    def revert(self, site: Site, injection: Injection) -> None:
        self.stop(injection)

    def stop(self, injection: Injection) -> None:
        """Go on no more, as when this controller dies; returns when the last turn is over."""
        load = self._under_way.pop(injection.lease, None)
        if load is not None:
            load.enough.set()
            load.thread.join()

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        going_on = self.is_under_way(injection)
        return Proof(not going_on, f"{self.name} of {name} {'goes on' if going_on else 'is over'}")
