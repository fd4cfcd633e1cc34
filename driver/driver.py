"""A site driven from Python: what a person does by commands, as methods, in this process.

The state folder of a site on Docker is in the container of its controller. So there all of this but `start`
and `stop` works inside that container, as the commands do.

Every method imports what it needs, since `failwhale up` and `down` are not to wait for what a load imports.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation.failure import NOT_RESTORED, USAGE, Failure
from foundation.state import State
from testbed.choice import Choice, choose, lifecycle_of, lifecycle_on
from testbed.runtimes.lifecycle import SILENT, Ended, Lifecycle, Outlook, StartListener, Wishes
from testbed.sitefile import SiteFile, keep_what_ends_it, refuse_down

if TYPE_CHECKING:
    import chaos.listener
    from chaos.fault_rows import FaultRow
    from chaos.heal import Healing
    from chaos.injector import Request
    from loadtests.findings import Findings
    from loadtests.generator import LoadPlan
    from loadtests.load import Load, Tell
    from loadtests.populate import Loaded, Progress
    from operations.carrying_out import Done
    from outages.history import History
    from outages.model import Felt, Page
    from testbed.instruments import JourneyRow
    from testbed.roll_out import RollOut

SETTLING = 0.1
"""Seconds between two looks into the record."""
FIRST_PEOPLE = 500
FIRST_SEED = 7
START_WITHIN = 60.0
"""Seconds for a site to be green."""


@dataclass(frozen=True)
class Ahead:
    """What a start will do: on which runtime and why, with which parts; and whether the site is up."""

    choice: Choice
    outlook: Outlook
    was_up: bool
    lifecycle: Lifecycle[Any]


@dataclass(frozen=True)
class Stopped:
    """`ended` is None where there was no site; `foreign` is what a purge left, since it is no part of one."""

    ended: Ended | None
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A page that was written, and the run that it is about."""

    file: Path
    history: History


class Driver:
    """One site, which need not be up. Methods raise Failure as the commands do."""

    def __init__(self, state: State) -> None:
        self.state = state

    # --- run it ---

    def look_ahead(
        self,
        wishes: Wishes | None = None,
        on: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Ahead:
        """Work out what a start would do; starts and writes nothing. Raises Failure for all that cannot be
        done. `on` is a runtime; without it the one that is configured. `settings` are variables of the
        compose file, beside those of the environment."""
        wishes = wishes or Wishes()
        self.state.refuse_foreign()
        choice = choose(self.state, on, wishes.file, os.environ)
        lifecycle = lifecycle_on(choice.runtime, self.state)
        outlook = lifecycle.look_ahead(wishes, {**os.environ, **(settings or {})})
        return Ahead(choice, outlook, lifecycle.is_up(), lifecycle)

    def start(
        self, ahead: Ahead | None = None, within: float = START_WITHIN, listener: StartListener = SILENT
    ) -> SiteFile:
        """Start what does not run, and wait until every part is ready and every journey green, for `within`
        seconds. What was begun stays when it is interrupted or raises Failure."""
        ahead = ahead or self.look_ahead()
        listener.say(f"on {ahead.choice.runtime}, {ahead.choice.because}")
        ahead.lifecycle.start(ahead.outlook, ahead.was_up, within, listener)
        return SiteFile.read(self.state)

    def stop(self, *, purge: bool = False) -> Stopped:
        """Stop everything, and with `purge` remove every file of the site. May be repeated."""
        from testbed.purge import purge as purge_folder

        ended = None
        if self.state.is_made:
            if purge:
                keep_what_ends_it(self.state)
            ended = lifecycle_of(self.state).end(purge=purge)
        return Stopped(ended, tuple(purge_folder(self.state)) if purge else ())

    # --- use it ---

    def populate(self, people: int, seed: int, progress: Progress = lambda done, of: None) -> Loaded:
        """Bring people in. Raises Failure when others live there already."""
        from loadtests.populate import populate

        self._refuse_outside()
        return populate(self.state, people, seed, progress)

    def populate_if_empty(self, tell: Callable[[str], None]) -> None:
        """Bring people in where nobody lives yet, and tell that they come."""
        from loadtests.target import census_file

        self._refuse_outside()
        if not census_file(self.state).exists():
            tell(f"nobody lives here yet, so {FIRST_PEOPLE} people come first")
            self.populate(FIRST_PEOPLE, seed=FIRST_SEED)

    def load(self, plan: LoadPlan, tell: Tell = lambda now: None) -> AbstractContextManager[Load]:
        """A load beside what the block does. It ends with the block, and has its `result` afterwards. `tell`
        is called by a thread. Raises Failure when nobody lives there."""
        from loadtests.load import beside

        self._refuse_outside()
        return beside(self.state, plan, tell)

    def verdict(self, load: str | None = None) -> Findings:
        """Look for all that the site has acknowledged, in one load by its name or in all. What keeps it from
        looking makes it unknown."""
        from loadtests.checker import check
        from loadtests.target import Target, acknowledged_file

        self._refuse_outside()
        return check(Target.of(self.state), acknowledged_file(self.state), load=load)

    # --- repair it ---

    def operate(
        self,
        operation: str,
        target: str = "",
        given: Mapping[str, Any] | None = None,
        reason: str = "",
        say: Callable[[str], None] = lambda line: None,
    ) -> Done:
        """Carry an operation out, as an engineer on call. Raises Failure when it is refused, or does not take
        effect."""
        from operations.carrying_out import carry_out

        self._refuse_outside()
        return carry_out(self.state, operation, target, given, reason, say)

    # --- break it ---

    def inject(
        self, request: Request, *, detach: bool = False, listener: chaos.listener.Listener | None = None
    ) -> FaultRow:
        """Have a fault done. Returns when it is over and all is well again; with `detach` once it is verified
        and while it goes on. Raises Failure when it is refused, does not bite or is not restored."""
        from chaos import following
        from chaos.injector import new_id, plan
        from chaos.listener import SILENT as NOBODY
        from testbed.site import Site

        self._refuse_outside()
        request = replace(request, id=request.id or new_id(request.fault))
        listener = listener or NOBODY
        refuse_down(self.state)
        plan(request, Site(self.state))  # a mistake is named at once, and without a controller
        now = following.begin(self.state, request, detach=detach, listener=listener)
        following.judge(now, detached=detach)
        if not detach:
            now["not_well"], others = following.wait_until_well(self.state, now, listener)
            if not others:
                following.refuse_unwell(now)
        return now

    def roll_out(self, version: str, target: str, say: Callable[[str], None] = lambda line: None) -> RollOut:
        """Let the services of a selector run a release. Raises Failure when it cannot be begun, or not all
        run it in the end."""
        from testbed.roll_out import carry_out, forward, refuse_unfinished, release_named
        from testbed.selector import select_services
        from testbed.site import Site

        self._refuse_outside()
        release_named(version)
        site = Site(self.state)
        moves = forward(site, version, select_services(target, site.inventory.parts, site.store_roles))
        return refuse_unfinished(carry_out(site, self.state, "roll-out", moves, say=say))

    def roll_back(self, target: str, say: Callable[[str], None] = lambda line: None) -> RollOut:
        """Let the services of a selector run what they ran before. Raises Failure when that is nothing, or
        not all run it in the end."""
        from testbed.roll_out import backward, carry_out, refuse_unfinished
        from testbed.selector import select_services
        from testbed.site import Site

        self._refuse_outside()
        site = Site(self.state)
        moves = backward(site, select_services(target, site.inventory.parts, site.store_roles))
        return refuse_unfinished(carry_out(site, self.state, "roll-back", moves, say=say))

    def end(self, fault_id: str) -> FaultRow:
        """End a fault before its time; returns it once it is over. Raises Failure (not restored) when nobody
        can say that it is."""
        from chaos import following
        from chaos.fault_rows import is_over

        self._refuse_outside()
        now = following.end(self.state, fault_id)
        if not is_over(now):
            raise Failure(f"{fault_id} was not seen to end", "failwhale chaos heal", NOT_RESTORED)
        return now

    def heal(self, listener: chaos.listener.Listener | None = None, what: str | None = None) -> Healing:
        """Undo every fault and make every part well; or only the fault of an id, or the faults on the parts
        of a selector. Raises Failure when something is left."""
        from chaos.heal import heal, refuse_unhealed
        from chaos.listener import SILENT as NOBODY

        self._refuse_outside()
        healing = heal(self.state, listener or NOBODY, what)
        refuse_unhealed(healing)
        return healing

    def active(self) -> list[FaultRow]:
        """The faults that are not over."""
        from chaos.fault_rows import active

        self._refuse_outside()
        return active(self.state)

    # --- measure it ---

    def journeys(self) -> dict[str, JourneyRow]:
        """How each journey of the users goes at this moment; empty while the prober does not answer."""
        from testbed.instruments import journeys_now

        self._refuse_outside()
        return journeys_now(self.state)

    def wait_green(self, seconds: float, note: Callable[[str], None] = lambda line: None) -> bool:
        """Wait until every journey is green; False without a prober. Raises Failure that names the others."""
        from testbed.green import wait_until_green

        self._refuse_outside()
        return wait_until_green(self.state, time.monotonic() + seconds, note)

    def outages(self, since: float = -inf, until: float = inf, settle: float = 0.0) -> list[Felt]:
        """What users felt between two moments (Unix seconds), with causes; an outage that reaches into that
        time belongs to it. An attempt that began before others and ends after them keeps the end of an outage
        out of the record, though users are well: `settle` is how many seconds to wait for such ends."""
        self._refuse_outside()
        give_up = time.monotonic() + settle
        while True:
            rows = self._outages(since, until)
            if all(row.end is not None for row in rows) or time.monotonic() >= give_up:
                return rows
            time.sleep(SETTLING)

    def wait_until_decided(self, until: float, but: Collection[str] = ()) -> None:
        """Wait until it is known how every attempt went that began before that moment (Unix seconds), but
        for those of some journeys. As a rule it takes a moment, and never much longer than the longest limit
        of a journey."""
        from outages.decided import wait_until_decided

        self._refuse_outside()
        wait_until_decided(self.state, until, but)

    def pages(self, since: float, until: float) -> list[Page]:
        """Who was paged between two moments (Unix seconds)."""
        from outages.history import history_of

        self._refuse_outside()
        return [page for page in history_of(self.state).pages if since <= page.at <= until]

    def _outages(self, since: float, until: float) -> list[Felt]:
        from outages.history import history_of

        history = history_of(self.state)
        now = history.now()
        return [
            outage
            for outage in history.outages
            if outage.start < until and outage.start + outage.duration(now) >= since
        ]

    def seconds_without_data(self, since: float, until: float) -> float:
        """Seconds between two moments (Unix seconds) in which nobody could see how users fared."""
        from outages.history import history_of

        self._refuse_outside()
        return history_of(self.state).seconds_without_data(since, until)

    def report(self, output: Path | None = None) -> Report:
        """Write the page about the latest run to `output`, or to the folder of reports of the site."""
        from outages.history import history_of
        from outages.prometheus import detect_if_possible
        from outages.report import save

        self._refuse_outside()
        history = history_of(self.state)
        detect_if_possible(self.state, history)
        return Report(save(self.state, history, output), history)

    def _refuse_outside(self) -> None:
        site = SiteFile.read_if_made(self.state)
        if site is not None and site.docker is not None and site.docker.through is not None:
            raise Failure(
                f"the site in {self.state.path} is on Docker, where it is driven in the container of its"
                " controller",
                "there: docker compose exec chaos python",
                USAGE,
            )
