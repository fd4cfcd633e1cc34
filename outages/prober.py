"""The prober: users who never sleep. ``python -m outages.prober``, configured by its environment.

EDGES=east=https://localhost:8443,west=... are the public addresses, CA the file to trust, RECORD the
folder of the ledger and of cast.json, ALERTMANAGER=host:port who tells of pages; LISTEN, PKI and SECRETS are
those of every part of the site.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foundation.clock import Clock
from foundation.patient_ledger import PatientLedger
from outages import journeys
from outages.acknowledgements import Acknowledgements
from outages.cast import Cast
from outages.client import Trust, trusting
from outages.edges import PublicEdge, parse_edges
from outages.fixture_upkeep import FixtureUpkeep
from outages.interrupted import close_what_was_left_open
from outages.journey_probe import JourneyProbe
from outages.likes_check import LikesCheck
from outages.listener import ProberListener
from outages.metrics import ProberMetrics, without_journey
from outages.operations_done import OperationsDone
from outages.pages import NOTIFICATIONS, REPORTS, Pages
from outages.tracker import NoData
from outages.visit import Cleanup, Visit
from services.platform.injection.points import InjectionPoints
from services.platform.serve import run
from services.platform.settings import Address, Settings, SettingsError
from testbed.control import Control, mutual_tls

logger = logging.getLogger(__name__)

TALLY_EVERY = 10.0
CATCH_UP_EVERY = 1.0
HEARTBEAT_EVERY = 0.1
STALLED_AFTER = 0.5
"""Seconds by which the prober's own loop may be late before it stops trusting what it saw meanwhile."""

SETTLES_WITHIN = 20.0
"""Seconds in which a site that is being started may fail without that being an outage; less, if every journey
has gone well before."""

ASKED_WITHIN = 1.0
"""Seconds that the Alertmanager gets for an answer."""

LOST_AFTER = 5.0
"""Seconds that a journey is down before it is asked whether what it needs is still there."""


class Prober:
    """All journeys, what they need, and the record of what they saw."""

    def __init__(
        self,
        edges: Mapping[str, PublicEdge],
        tls: Trust,
        record: Path,
        alertmanager: Callable[[], Control] | None = None,
    ) -> None:
        self.clock = Clock()
        self.faults = InjectionPoints()
        self.metrics = ProberMetrics()
        self.ledger = PatientLedger(record / "ledger.ndjson", self.clock)
        self.metrics.register(OperationsDone(self.ledger.path))
        self.pages = Pages(self.ledger.append)
        self._acknowledgements = Acknowledgements(self.pages, alertmanager) if alertmanager else None
        self.cast = Cast(record / "cast.json")
        crashed = close_what_was_left_open(self.ledger, self.clock.wall(self.clock.now()))
        self.cast.load(codes_doubtful=crashed)
        self._edges = list(edges.values())
        self._tls = tls
        self._stalled_at = 0.0
        self._last_beat = self.clock.now()
        self.likes_check = LikesCheck(self.cast, self._visit)
        self.fixture_upkeep = FixtureUpkeep(self.cast, self._visit, self.ledger, self._in_trouble)
        # After a crash the site was up, so there is nothing to wait for.
        settled_at = self._warm_at = self.clock.now() + (0.0 if crashed else SETTLES_WITHIN)
        self.probes = {
            journey.name: JourneyProbe(
                journey,
                self._edges,
                tls,
                self.cast,
                self.ledger,
                self.clock,
                settled_at=settled_at,
                observe=self._observe,
                discard=self._discard,
                stalled_since=self._has_stalled_since,
                warming_up=self._is_warming_up,
            )
            for journey in journeys.ALL
            if journey.edge is None or journey.edge in edges
        }

    async def run(self) -> None:
        """Probe until cancelled; then leave a record that says when it stopped."""
        self.ledger.append("prober.started", journeys=list(self.probes))
        try:
            async with asyncio.TaskGroup() as group:
                for number, probe in enumerate(self.probes.values()):
                    group.create_task(probe.run(phase=number / len(self.probes)))
                group.create_task(self.fixture_upkeep.run())
                group.create_task(self.likes_check.run())
                group.create_task(self._tally())
                group.create_task(self._watch_itself())
                group.create_task(self._catch_up())
                if self._acknowledgements:
                    group.create_task(self._acknowledgements.run())
        finally:
            await asyncio.gather(*(probe.stop() for probe in self.probes.values()))
            self.cast.save()
            self.ledger.append("prober.stopped", **self._counted())
            if self.ledger.waiting:
                logger.critical("%d records could not be written and are lost", self.ledger.waiting)

    def rows(self) -> dict[str, Any]:
        """What GET /journeys says of each journey."""
        return {name: probe.row() for name, probe in self.probes.items()}

    def recent(self) -> dict[str, Any]:
        """What GET /journeys says of the last minute."""
        return {name: probe.numbers() for name, probe in self.probes.items()}

    def undecided(self) -> dict[str, str]:
        """What GET /journeys says of attempts whose outcome is not known: when the oldest of each journey
        began."""
        starts = ((name, probe.undecided) for name, probe in self.probes.items())
        return {name: self.clock.stamp(start) for name, start in starts if start is not None}

    def record_state(self) -> dict[str, Any]:
        """What GET /journeys says of the record: whether there is room for it."""
        return {
            "waiting": self.ledger.waiting,
            "dropped": self.ledger.dropped,
            "problem": self.ledger.problem or None,
        }

    def state(self) -> dict[str, Any]:
        """What GET /journeys says."""
        return {
            "journeys": self.rows(),
            "recent": self.recent(),
            "record": self.record_state(),
            "undecided": self.undecided(),
        }

    def expose(self) -> bytes:
        """The metrics in the Prometheus text format, as faults let the monitoring see them."""
        blind = self.faults.of("prober-blind") is not None
        for name, probe in self.probes.items():
            self.metrics.up(name, blind or probe.is_up)
            self.metrics.no_data(name, not blind and probe.has_no_data)
        self.metrics.likes_error(0.0 if blind else self.likes_check.error)
        self.metrics.record(self.ledger.waiting, self.ledger.dropped)
        exposed = self.metrics.expose()
        unwatched = self.faults.of("journey-unwatched")
        return exposed if unwatched is None else without_journey(exposed, str(unwatched.fault.journey))

    def _observe(self, journey: str, outcome: str, seconds: float) -> None:
        if self.faults.of("prober-blind") is None:
            self.metrics.observe(journey, outcome, seconds)
        else:  # the monitoring is told without a look; the record goes on, or nobody could say what it missed
            self.metrics.observe(journey, "good", 0.0)
        now = self.clock.now()
        if now < self._warm_at and all(probe.state() == "green" for probe in self.probes.values()):
            self._warm_at = now

    def _is_warming_up(self, start: float) -> bool:
        return start < self._warm_at

    def _has_stalled_since(self, start: float) -> bool:
        """Whether this process stood still after that time, or the wall clock was set, by which sessions and
        codes go; or whether either has just happened and is yet to be noticed."""
        late = self.clock.now() - self._last_beat > HEARTBEAT_EVERY + STALLED_AFTER
        return self._stalled_at > start or late or self.clock.is_outdated()

    def _visit(self) -> Visit:
        return Visit(self._edges, self._tls)

    def _in_trouble(self) -> set[str]:
        return {name for name, probe in self.probes.items() if probe.down_for() > LOST_AFTER}

    def _discard(self, cleanups: Sequence[Cleanup]) -> None:
        self.fixture_upkeep.cleanups.extend(cleanups)

    def _counted(self) -> dict[str, Any]:
        """Counts since the last tally, by journey; begins to count anew."""
        counts = {name: dict(probe.counts) for name, probe in self.probes.items() if probe.counts}
        for probe in self.probes.values():
            probe.counts.clear()
        return {"journeys": counts}

    async def _tally(self) -> None:
        while True:
            await asyncio.sleep(TALLY_EVERY)
            self.ledger.append("tally", seconds=TALLY_EVERY, **self._counted())

    async def _catch_up(self) -> None:
        """Write what there was no room for, once there is."""
        while True:
            await asyncio.sleep(CATCH_UP_EVERY)
            self.ledger.catch_up()
            if not self.cast.saved:
                self.cast.save()

    async def _watch_itself(self) -> None:
        """Notice that the wall clock was set, and that this process stood still (a sleeping laptop): the site
        is not to blame for that."""
        while True:
            self._last_beat, asleep = self.clock.now(), self.clock.asleep()
            await asyncio.sleep(HEARTBEAT_EVERY)
            now = self.clock.now()
            moved = self.clock.settle()
            if moved:
                self._stalled_at = now
                self.ledger.append("clock.moved", seconds=round(moved, 6))
            span = NoData(self._last_beat + HEARTBEAT_EVERY, now)
            if span.end - span.start > STALLED_AFTER:
                self._stalled_at = now
                self._note_no_data(span, self.clock.asleep() - asleep)

    def _note_no_data(self, span: NoData, asleep: float) -> None:
        for probe in self.probes.values():
            probe.no_data(span)
        self.ledger.append(
            "prober.stalled",
            start=self.clock.stamp(span.start),
            end=self.clock.stamp(span.end),
            asleep=round(asleep, 3),
        )


def main() -> None:
    """Run the part `prober` until SIGTERM."""
    settings = Settings.from_environment()
    try:
        edges = parse_edges(settings.text("EDGES", ""))
    except ValueError as error:
        raise SettingsError(f"EDGES: {error}") from None
    ca = Path(settings.text("CA", str(settings.pki / "ca.pem")))
    record = Path(settings.text("RECORD", "record"))
    prober = Prober(edges, trusting(ca), record, _alertmanager(settings))
    pages = {REPORTS: prober.pages.take_report, NOTIFICATIONS: prober.pages.take_notification}
    token = settings.secrets / "token"
    run(ProberListener(prober.run, prober.state, prober.expose, pages, prober.faults, token), settings)


def _alertmanager(settings: Settings) -> Callable[[], Control] | None:
    """Gives what asks it. None where the site was told of none."""
    text = settings.text("ALERTMANAGER", "")
    if not text:
        return None
    try:
        address = Address.parse(text)
    except ValueError as error:
        raise SettingsError(f"ALERTMANAGER: {error}") from None

    def now() -> Control:
        tls = mutual_tls(settings.pki, settings.certificate_name)
        return Control(address.host, address.port, tls, timeout=ASKED_WITHIN)

    return now


if __name__ == "__main__":
    main()
