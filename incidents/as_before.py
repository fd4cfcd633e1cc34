"""What a fix has changed is put back when an incident is over: the next one finds the site as it was."""

from __future__ import annotations

from contextlib import suppress

from driver.driver import Driver
from foundation.failure import Failure
from foundation.user import user
from incidents.observer import Tell
from testbed.configuration import setting
from testbed.recorded_change import apply
from testbed.releases import Releases
from testbed.site import Site


class AsBefore:
    """The configuration, the releases and the running parts of a site, as they were when this was made."""

    def __init__(self, driver: Driver) -> None:
        """Raises Failure where nobody can say what the configuration is."""
        self._driver = driver
        self._site = Site(driver.state)
        self._configuration = self._site.configuration.newest()
        self._releases = self._by_part()

    def put_back(self, tell: Tell) -> None:
        """Undo what is otherwise, and tell it. Raises Failure for what cannot be undone."""
        before = self._configuration
        if changed := self._site.configuration.newest().changes_since(before):
            tell("end", f"put back: {', '.join(changed)}")
            values = {name: before.values.get(name) for name in changed}
            apply(self._driver.state, setting(values, user(), "an incident is over"))
        now = self._by_part()
        if others := [name for name, version in now.items() if version != self._releases[name]]:
            tell("end", f"put back: what ran before on {', '.join(others)}")
            self._driver.roll_back(",".join(others))
        for part in self._site.inventory.parts:
            if not self._site.runtime.is_running(part.name):
                tell("end", f"put back: {part.name} is started")
                self._site.runtime.start(part.name)

    def _by_part(self) -> dict[str, str]:
        releases = Releases(self._driver.state)
        parts = (part.name for part in self._site.inventory.parts if part.kind == "service")
        return {name: releases.told_last(name) for name in parts}


def as_it_is(driver: Driver) -> AsBefore | None:
    """None where nobody can say how it is, so that nothing will be put back."""
    with suppress(Failure):
        return AsBefore(driver)
    return None
