"""Plays an incident on a running site, and judges it by what its users felt.

Steady state first, else nothing is done. Then the timeline; what is injected ends at its limit, or by a fix
that is tried, and the site is whole again before the verdict, whatever happens.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from functools import partial

from chaos.client import UnknownFault
from chaos.injector import new_id
from driver.driver import Driver
from foundation.console import duration, spell_duration
from foundation.failure import Failure
from foundation.interruption import uninterruptible
from foundation.patient_ledger import PatientLedger
from incidents.as_before import AsBefore, as_it_is
from incidents.beside import noise, people
from incidents.fixes import carry_out
from incidents.incident import Fix, Incident
from incidents.judge import Finding, FixSeen, Observed, Outcome, findings, verdict
from incidents.observer import Observer, Seen, Tell, holding_now
from incidents.planned import PlannedInjection, PlannedRelease
from incidents.result import Control, Manner, Result
from loadtests.generator import LoadPlan
from outages.model import UNDER_WAY
from outages.rule_sets import judge as judge_rule_sets
from testbed.inventory import Inventory
from testbed.releases import Releases
from testbed.site import Site
from testbed.sitefile import refuse_down

STEADY_WITHIN = 15.0
"""Seconds for a site to be well, and for signs of what was before to be gone, before an incident begins."""
WELL_FOR = 2.0
"""Seconds for which users have to be well in one piece: where half of all fails, some attempts are good."""
WRONG_FIX_SECONDS = 5.0
"""Seconds after a wrong fix in which it could have helped."""
RESTORED_WITHIN = 30.0
"""Seconds after the end for a site to be well again, before everything is healed."""
POLL = 0.1


def play(driver: Driver, incident: Incident, manner: Manner, tell: Tell = lambda kind, words: None) -> Result:
    """Play it once. Raises KeyboardInterrupt with everything undone, and Failure where there is no site."""
    refuse_down(driver.state)
    ledger = PatientLedger(driver.state.ledger)
    run = f"{incident.id}-{secrets.token_hex(3)}"
    ledger.append("incident.started", incident=incident.id, run=run, manner=manner.word, title=incident.title)
    result = _Run(driver, incident, manner, tell).play()
    ledger.append(
        "incident.finished",
        incident=incident.id,
        run=run,
        manner=manner.word,
        verdict=result.outcome.value,
        good=result.is_good,
        title=incident.title,
        seconds=round(result.finished - result.began, 3),
        hurt=result.hurt,
        why=result.not_as_expected,
        rule_sets={name: asdict(score) for name, score in result.rule_sets.items()},
    )
    return result


class _Run:
    """One run, with what is in force of it."""

    def __init__(self, driver: Driver, incident: Incident, manner: Manner, tell: Tell) -> None:
        self.driver = driver
        self.manner = manner
        self.fix = manner.fix_of(incident)
        self.incident = incident.prolonged() if self.fix else incident
        self.tell = tell
        self.begun: list[str] = []
        self.doubts: list[str] = []
        self.restored: float | None = None
        self.rolling = 0.0
        """Seconds that its release took to be everywhere, from which on it stays for as long as it shall."""

    # --- the whole of it ---

    def play(self) -> Result:
        began = time.time()
        if why := self._unsteady():
            self.tell("verdict", f"baseline not met: {why}")
            return Result(self.incident, self.manner, Outcome.BASELINE_NOT_MET, (), began, began, why=why)
        before = as_it_is(self.driver) if self.fix else None
        with ExitStack() as beside, ExitStack() as noisy:
            load = beside.enter_context(people(self.driver, self.incident.people, self.tell))
            if self.manner.noise is not None:
                noisy.enter_context(noise(self.driver.state, self.manner.noise, self.tell))
            observer = Observer(self.driver.state, self.incident, self.tell)
            began, clock = time.time(), time.monotonic()
            try:
                with observer:
                    fix = self._perform(observer, clock)
                    ended = time.time()
                    noisy.close()
                    self._end_and_wait_well()
                self._put_back(before)
            except BaseException:
                with uninterruptible():
                    self.tell("end", "broken off: all of it is being undone")
                    noisy.close()
                    self._make_whole()
                    self._put_back(before)
                raise
            beside.close()
            observed = self._observed(began, ended, observer.seen, fix, load)
        found = findings(self.incident, observed)
        outcome = verdict(found, observed)
        self.tell("verdict", outcome.value)
        return Result(
            self.incident,
            self.manner,
            outcome,
            found,
            began,
            time.time(),
            observed.outages,
            {name: round(at - began, 3) for name, at in observer.seen.alerts.items()},
            # A fix cuts it short, so no rule set is measured by that.
            {} if self.fix else judge_rule_sets(self.driver.state, began - UNDER_WAY, ended),
            observed.checker,
            fix,
        )

    def _perform(self, observer: Observer, clock: float) -> FixSeen | None:
        """From the beginning to the end of what is injected, by its limit or by a fix."""
        self.tell("story", f"{self.incident.title}. Look for: {self.incident.look_for}")
        if self.manner.control is not Control.NO_OP:
            self._inject(clock)
        if self.fix is None:
            lasts = self.incident.lasts + self.rolling
            self.tell("next", f"the end {spell_duration(lasts)} after the beginning")
            self._sleep(clock + lasts)
            return None
        self.tell("next", f"once this is seen: {self.fix.commands[0]}")
        self._wait_until_hurt(observer, clock)
        return self._try(self.fix, observer)

    # --- its steps ---

    def _unsteady(self) -> str:
        """Why it cannot begin; empty when the site is well, nothing is in force and no sign is seen."""
        self.tell(
            "baseline", "is every journey green, a replica ready, nothing in force, and no sign to be seen?"
        )
        if active := self.driver.active():
            return f"{', '.join(one['id'] for one in active)} in force; end it: failwhale chaos heal"
        try:
            if not self.driver.wait_green(STEADY_WITHIN):
                return "this site has no prober"
        except Failure as failure:
            return failure.message
        give_up = time.monotonic() + STEADY_WITHIN
        while holding := [*self._missing_replica(), *holding_now(self.driver.state, self.incident.expect)]:
            if time.monotonic() > give_up:
                return "; ".join(holding)
            time.sleep(0.5)
        return ""

    def _missing_replica(self) -> list[str]:
        """Why no replica would be promoted now: one that was restarted is attached some seconds later."""
        with suppress(Failure):
            return [why] if (why := Site(self.driver.state).failover_hindrance()) else []
        return []

    def _inject(self, clock: float) -> None:
        """All of it, in the order of the timeline; what is not seen to bite leaves a doubt."""
        steps: list[tuple[float, str, Callable[[], None]]] = [
            (one.begins, one.command(), partial(self._begin_fault, one)) for one in self.incident.injections
        ]
        if (release := self.incident.release) is not None:
            steps.insert(0, (0.0, release.commands[0], partial(self._begin_release, release)))
        for at, command, begin in steps:
            if at > time.monotonic() - clock:
                self.tell("next", f"at {spell_duration(at)}: {command}")
            self._sleep(clock + at)
            try:
                begin()
            except Failure as failure:
                self.doubts.append(failure.message)
                self.tell("doubt", failure.message)

    def _begin_fault(self, injection: PlannedInjection) -> None:
        request = replace(
            injection.request(), id=new_id(injection.fault), reason=f"incident {self.incident.id}"
        )
        self.tell("inject", injection.command(detach=True))
        self.begun.append(request.id)
        self.driver.inject(request, detach=True)

    def _begin_release(self, release: PlannedRelease) -> None:
        self.tell("inject", release.commands[0])
        began = time.monotonic()
        self.driver.roll_out(release.version, release.target)
        self.rolling = time.monotonic() - began

    def _wait_until_hurt(self, observer: Observer, clock: float) -> None:
        """Until the incident is there, or cannot be any more; and then a moment, as nobody types at once."""
        until = clock + self._last_begins + duration(self.incident.expect.within)
        while not self._is_there(observer) and time.monotonic() < until:
            time.sleep(POLL)
        time.sleep(1.0)

    @property
    def _last_begins(self) -> float:
        """Seconds until the last injection begins."""
        return max((one.begins for one in self.incident.injections), default=0.0)

    def _is_there(self, observer: Observer) -> bool:
        expect = self.incident.expect
        if expect.hurt:
            return len(observer.hurt_now(expect.hurt)) == len(expect.hurt)
        return len(observer.holding) == len(expect.signs)

    def _is_well(self, observer: Observer) -> bool:
        """By the journeys that are hurt; where none is, by the signs."""
        hurt = self.incident.expect.hurt
        if hurt:
            return all(observer.state_of(name) == "green" for name in hurt)
        return not observer.holding

    def _try(self, fix: Fix, observer: Observer) -> FixSeen:
        is_wrong = self.manner.control is Control.WRONG_FIX
        began = time.monotonic()
        failed = untried = ""
        try:
            failed = self._type(fix.commands, "wrong-fix" if is_wrong else "mitigate")
        except Failure as failure:
            untried = failure.message
        if untried or (failed and not is_wrong):
            return FixSeen(fix.commands, failed, untried, is_wrong=is_wrong)
        seconds = WRONG_FIX_SECONDS if is_wrong else duration(fix.well_within)
        self.tell("next", f"the verdict, once users are well, or after {spell_duration(seconds)}")
        until = (time.monotonic() if is_wrong else began) + seconds
        well_since: float | None = None
        while time.monotonic() < until or well_since is not None:
            now = time.monotonic()
            well_since = (well_since or now) if self._is_well(observer) else None
            if well_since is not None and now - well_since >= WELL_FOR:
                self.tell("well", f"users are well after {spell_duration(well_since - began)}")
                return FixSeen(fix.commands, failed, well_after=well_since - began, is_wrong=is_wrong)
            time.sleep(POLL)
        return FixSeen(fix.commands, failed, unwell=self._unwell(observer), is_wrong=is_wrong)

    def _type(self, commands: Iterable[str], kind: str) -> str:
        """Why one of them failed, which is the last; empty when all were done. Raises Failure for what could
        not be typed."""
        for command in commands:
            self.tell(kind, command)
            if failed := carry_out(self.driver.state, command):
                return failed
        return ""

    def _unwell(self, observer: Observer) -> tuple[str, ...]:
        states = ((name, observer.state_of(name)) for name in self.incident.expect.hurt)
        return tuple(f"{name} {state}" for name, state in states if state != "green")

    # --- its end ---

    def _end_and_wait_well(self) -> None:
        """A site of which something cannot be undone is not restored."""
        try:
            self._end()
        except Failure as failure:
            self.tell("end", failure.message)
            self._heal()
        else:
            self._wait_well()

    def _end(self) -> None:
        """End what is in force still. May be repeated. Raises Failure when something cannot be undone, once
        all else is."""
        failures = [failure for end in self._ends() if (failure := _failure_of(end)) is not None]
        if failures:
            raise failures[0]

    def _ends(self) -> Iterator[Callable[[], object]]:
        for identifier in self.begun:
            yield partial(self.driver.end, identifier)
        release = self.incident.release
        if release is not None and self._runs(release):
            self.tell("end", release.commands[1])
            yield partial(self.driver.roll_back, release.target)

    def _make_whole(self) -> None:
        """After what broke the run off: what cannot be ended by itself is left to the heal."""
        with suppress(Failure):
            self._end()
        self._heal()

    def _heal(self) -> None:
        try:
            self.driver.heal()
        except Failure as failure:
            self.tell("end", f"not undone: {failure.message}")

    def _put_back(self, before: AsBefore | None) -> None:
        if before is not None:
            try:
                before.put_back(self.tell)
            except Failure as failure:
                self.tell("end", f"not put back: {failure.message}")

    def _runs(self, release: PlannedRelease) -> bool:
        releases = Releases(self.driver.state)
        services = (part for part in Inventory.of(self.driver.state).parts if part.kind == "service")
        return any(releases.told_last(part.name) == release.version for part in services)

    def _wait_well(self) -> None:
        """Until every journey is green; what does not become so by itself is healed, and is not restored."""
        began = time.monotonic()
        try:
            self.driver.wait_green(RESTORED_WITHIN)
        except Failure as failure:
            self.tell("end", failure.message)
            self._heal()
            return
        self.restored = time.monotonic() - began
        self.tell("end", f"all journeys are green {spell_duration(self.restored)} after the end")

    def _observed(
        self, began: float, ended: float, seen: Seen, fix: FixSeen | None, load: LoadPlan | None
    ) -> Observed:
        expect = self.incident.expect
        self.driver.wait_until_decided(time.time(), but={*expect.hurt, *expect.may_hurt})
        return Observed(
            began,
            ended,
            self.driver.outages(began - 2.0, settle=3.0),
            seen,
            self.driver.seconds_without_data(began, ended),
            self.restored,
            tuple(self.doubts),
            self._checked(load) if load is not None else None,
            fix,
            self.driver.pages(began, ended),
        )

    def _checked(self, load: LoadPlan) -> Finding:
        what = "nothing that was acknowledged is lost"
        try:
            found = self.driver.verdict(load.name)
        except Failure as failure:
            return Finding(what, None, failure.message)
        return Finding(what, found.holds, found.because)

    def _sleep(self, until: float) -> None:
        time.sleep(max(0.0, until - time.monotonic()))


def _failure_of(end: Callable[[], object]) -> Failure | None:
    """Why it could not be ended; None when it is, and for what never began."""
    try:
        end()
    except UnknownFault:  # it was refused
        return None
    except Failure as failure:
        return failure
    return None
