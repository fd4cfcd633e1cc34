"""What a fix has changed is put back when an incident is over: the next one finds the site as it was."""

from __future__ import annotations

from contextlib import suppress

from driver.driver import Driver
from foundation.failure import Failure
from foundation.user import user
from incidents.observer import Tell
from testbed.configuration import setting
from testbed.recorded_change import apply
from testbed.roll_out import carry_out, refuse_unfinished, restoring
from testbed.site import Site


class AsBefore:
    """The configuration, the releases and the running parts of a site, as they were when this was made."""

    def __init__(self, driver: Driver) -> None:
        """Raises Failure where nobody can say what the configuration is, or what was told to run."""
        self._driver = driver
        self._site = Site(driver.state)
        self._configuration = self._site.configuration.newest()
        parts = self._site.inventory.parts
        self._told = {
            part.name: self._site.releases.told(part.name) for part in parts if part.kind == "service"
        }
        self._running = [part.name for part in parts if self._site.runtime.is_running(part.name)]

    def put_back(self, tell: Tell) -> None:
        """Undo what is otherwise, and tell it. Raises Failure for what cannot be undone."""
        before = self._configuration
        if changed := self._site.configuration.newest().changes_since(before):
            tell("end", f"put back: {', '.join(changed)}")
            values = {name: before.values.get(name) for name in changed}
            apply(self._driver.state, setting(values, user(), "an incident is over"))
        self._restore_releases(tell)
        for name in self._running:
            if not self._site.runtime.is_running(name):
                tell("end", f"put back: {name} is started")
                self._site.runtime.start(name)

    def _restore_releases(self, tell: Tell) -> None:
        """Not one step back: before the release of a fix there may be that which the fix was for."""
        moves = restoring(self._site, self._told)
        if not moves:
            return
        tell("end", f"put back: {', '.join(map(str, moves))}")
        refuse_unfinished(carry_out(self._site, self._driver.state, "roll-back", moves))


def as_it_is(driver: Driver) -> AsBefore | None:
    """None where nobody can say how it is, so that nothing will be put back."""
    with suppress(Failure):
        return AsBefore(driver)
    return None
