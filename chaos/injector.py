"""All faults of one site: takes orders, refuses what would be confused, runs each on its targets, heals.

Blocking code, one thread for each target that is hurt. It holds the journal, so there is one at a time.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from chaos import guard
from chaos.catalogue import all_faults, fault_named
from chaos.execution import Execution
from chaos.fault import Fault, Value
from chaos.journal import Entry, Journal, Order
from chaos.phase import Phase
from chaos.record import FaultRecorder
from chaos.safety import LONGEST_SECONDS, UNBOUNDED, Safety
from chaos.stop_condition import StopCondition
from chaos.target import SITE, Target, at, calls_into, named, whole
from foundation.clock import steady
from foundation.console import spell_duration
from foundation.failure import BASELINE_NOT_MET, FAILED, USAGE, Failure
from foundation.patient_ledger import PatientLedger
from testbed.endpoint_certificates import EndpointCertificate
from testbed.instruments import JourneyRow
from testbed.inventory import Part
from testbed.runtimes.capabilities import missing
from testbed.selector import Roles, pieces, select
from testbed.site import Site

log = logging.getLogger(__name__)

DEFAULT_SECONDS = 10.0
LONGEST_REASON = 200
"""In characters."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for. The id is the asker's, so that asking twice does it once."""

    fault: str
    target: str
    seconds: float = DEFAULT_SECONDS
    parameters: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    id: str = ""
    from_selector: str | None = None
    """Whose calls shall be hurt; None: everybody's."""
    reason: str = ""
    """Why, in the words of who asks."""
    asked_by: str = ""
    """The name of who asks."""
    intensity: int | None = None
    """1 to 10: the parameters that say how strong it is, unless they are among `parameters`."""
    stop_when: str = ""
    """The condition that ends it early, as chaos/stop_condition.py reads it; empty: nothing does."""


@dataclass(frozen=True)
class Plan:
    """A request that makes sense on this site: what would be done to whom."""

    fault: Fault
    targets: tuple[Target, ...]
    parameters: Mapping[str, Value]
    seconds: float
    stop_when: StopCondition | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those that the targets consist of."""
        return tuple(part for target in self.targets for part in target.parts)

    @property
    def callers(self) -> tuple[str, ...]:
        """Those whose calls are meant; empty: everybody's."""
        return tuple(dict.fromkeys(caller for target in self.targets for caller in target.callers))


def new_id(fault: str) -> str:
    """A fresh id for a fault, such as `kill-5f3a9c`."""
    return f"{fault}-{secrets.token_hex(3)}"


def plan(request: Request, site: Site) -> Plan:
    """Check a request against the site, and do nothing. Raises Failure (usage) with what would be right."""
    fault = fault_named(request.fault)
    if not 0 < request.seconds <= LONGEST_SECONDS:
        raise Failure(
            f"a fault cannot last {spell_duration(request.seconds)}",
            f"choose more than 0 s and at most {spell_duration(LONGEST_SECONDS)}, for example --for 10s",
            code=USAGE,
        )
    if lacking := missing(site.runtime.name, fault.requires):
        raise Failure(
            f"{fault.name} is not possible on {site.runtime.name}: it needs {lacking}",
            f"start the site on {fault.runtimes[0]}: failwhale up --on {fault.runtimes[0]}",
            code=USAGE,
        )
    if not request.reason.isprintable() or len(request.reason) > LONGEST_REASON:
        raise Failure(
            f"a reason is one line of at most {LONGEST_REASON} characters",
            "for example --reason 'game day, second round'",
            code=USAGE,
        )
    stop_when = StopCondition.parse(request.stop_when) if request.stop_when else None
    parameters = fault.check({**fault.at_intensity(request.intensity), **request.parameters})
    targets = _targets(request, fault, parameters, site)
    return Plan(fault, targets, parameters, request.seconds, stop_when)


def _targets(
    request: Request, fault: Fault, parameters: Mapping[str, Value], site: Site
) -> tuple[Target, ...]:
    callers = _callers(request, fault, site)
    wanted = pieces(request.target)
    if wanted == (SITE,):
        refuse_part_fault(fault)
        return (whole(site.inventory),)
    if SITE in wanted:
        raise Failure(
            f"{SITE} is the whole site: nothing can be added to it", f"leave out all but {SITE}", USAGE
        )
    found = (
        target
        for selector in wanted
        for target in _targets_of(selector, request.seed, fault, parameters, site, callers)
    )
    return tuple({target.name: target for target in found}.values())


def _targets_of(
    selector: str,
    seed: int,
    fault: Fault,
    parameters: Mapping[str, Value],
    site: Site,
    callers: tuple[Part, ...] | None,
) -> tuple[Target, ...]:
    """What one selector of a request means to the fault."""
    accepted = parts_meant(fault, selector, site.inventory.parts, site.store_roles, seed)
    return _where_it_fits(fault, site, accepted, callers, parameters, some=_is_place(selector))


def refuse_part_fault(fault: Fault) -> None:
    """Raise Failure (usage) for one that cannot be done to the whole site."""
    if SITE not in fault.targets:
        raise Failure(
            f"{fault.name} cannot be done to the whole site",
            f"it is for: {', '.join(fault.targets)}",
            code=USAGE,
        )


def parts_meant(
    fault: Fault, selector: str, parts: Sequence[Part], roles: Roles, seed: int
) -> tuple[Part, ...]:
    """The parts that one selector means to a fault, which must be for all of them; of a place those that it
    is for. Raises Failure (usage)."""
    found = select(selector, parts, roles, seed, fault.targets)
    accepted = tuple(part for part in found if part.service in fault.targets)
    if not accepted or (len(accepted) < len(found) and not _is_place(selector)):
        refused = ", ".join(part.name for part in found if part not in accepted)
        raise Failure(
            f"{fault.name} cannot be done to {refused}", f"it is for: {', '.join(fault.targets)}", code=USAGE
        )
    return accepted


def _is_place(selector: str) -> bool:
    """Whether it is a whole data centre, which is hit where the fault fits."""
    return selector.startswith("place:")


def _callers(request: Request, fault: Fault, site: Site) -> tuple[Part, ...] | None:
    """The parts whose calls are meant; None: everybody's."""
    if request.from_selector is None:
        return None
    if not fault.of_calls:
        those = ", ".join(one.name for one in all_faults() if one.of_calls)
        raise Failure(
            f"{fault.name} does not hurt calls, so it cannot be for those of {request.from_selector!r} only",
            f"faults of calls: {those}",
            code=USAGE,
        )
    return select(request.from_selector, site.inventory.parts, site.store_roles, request.seed)


def _where_it_fits(
    fault: Fault,
    site: Site,
    parts: tuple[Part, ...],
    callers: tuple[Part, ...] | None,
    parameters: Mapping[str, Value],
    *,
    some: bool,
) -> tuple[Target, ...]:
    """The parts, or the calls of these callers into them, where callers and parameters make sense: all, or
    with `some` at least one. Else a Failure."""
    fitting = []
    refusal = None
    for part in parts:
        try:
            target = at(part) if callers is None else calls_into(part, callers, site.inventory)
            fault.refuse_misfit(site, part, parameters)
        except Failure as failure:
            if failure.code != USAGE:
                raise
            refusal = refusal or failure
        else:
            fitting.append(target)
    if refusal is not None and not (some and fitting):
        raise refusal
    return tuple(fitting)


class Injector:
    """The faults of one site. When its process dies their leases go on, and the next one resumes them."""

    def __init__(
        self,
        open_site: Callable[[], Site],
        journal: Journal,
        ledger: PatientLedger,
        safety: Safety = UNBOUNDED,
        journeys: Callable[[], Mapping[str, JourneyRow]] = dict,
    ) -> None:
        """`journeys` asks how users fare now; empty: nobody says."""
        self._open_site = open_site
        self._journal = journal
        self._record = FaultRecorder(ledger)
        self.safety = safety
        self._journeys = journeys
        self._guards: dict[str, threading.Thread] = {}
        self._taking_orders = threading.Lock()
        self._tending = threading.Lock()
        self._ending: dict[str, threading.Event] = {}
        self._executions: dict[tuple[str, str], threading.Thread] = {}

    # --- what is known ---

    def entries(self) -> list[Entry]:
        """Every fault, past ones included, oldest first."""
        return list(self._journal.book.entries.values())

    def entry(self, identifier: str) -> Entry | None:
        """The fault of this id."""
        return self._journal.book.entries.get(identifier)

    def in_force(self) -> int:
        """How many faults are not over."""
        return sum(not entry.over for entry in self.entries())

    @property
    def blocked(self) -> bool:
        """Whether new faults are refused."""
        return self._journal.book.blocked

    def store_roles(self) -> dict[str, str]:
        """`primary` or `replica` by store, without those that do not answer now. Raises Failure: no site."""
        return self._open_site().store_roles()

    def certificates(self) -> list[EndpointCertificate]:
        """What every endpoint presents now. Raises Failure: no site."""
        return self._open_site().certificates()

    # --- orders ---

    def order(self, request: Request) -> Entry:
        """Begin a fault, or return the one that has this id already. Raises Failure when it is refused."""
        with self._taking_orders:
            known = self.entry(request.id)
            if known is not None:
                return known
            site, planned = self.look_ahead(request)
            now = time.time()
            order = Order(
                id=request.id or new_id(planned.fault.name),
                fault=planned.fault.name,
                selector=request.target,
                targets=tuple(target.name for target in planned.targets),
                parameters=planned.parameters,
                seconds=request.seconds,
                at=now,
                until=now + request.seconds,
                seed=request.seed,
                until_by_machine=steady() + request.seconds,
                from_selector=request.from_selector,
                callers=planned.callers,
                reason=request.reason,
                asked_by=request.asked_by,
                stop_when=request.stop_when,
            )
            try:
                self._journal.begin(order)
            except OSError as error:
                raise Failure(
                    f"the fault cannot be written down, so it is not done: {error}",
                    "make room in the state folder; what is in force ends all the same",
                ) from None
            entry = self._journal.book.entries[order.id]
            for target in planned.targets:
                self._record.tell(
                    "requested",
                    entry,
                    target.name,
                    selector=order.selector,
                    from_selector=order.from_selector,
                    callers=list(order.callers),
                    reason=order.reason,
                    asked_by=order.asked_by,
                    stop_when=order.stop_when,
                    asked=planned.fault.spell_asked(order.parameters),
                    hurts=list(planned.fault.hurts(target, order.parameters)),
                )
            self._tend(entry, site)
            return entry

    def look_ahead(self, request: Request) -> tuple[Site, Plan]:
        """What a request would do now, and on what; does nothing. Raises Failure when it is refused."""
        if self.blocked:
            raise Failure("faults are blocked", "allow them again: failwhale chaos unblock")
        site = self._open_site()
        planned = plan(request, site)
        self._refuse_unsafe(planned)
        for target in planned.targets:
            self._refuse_second(planned.fault, target.name)
            for part in target.parts:
                planned.fault.precondition(site, part)
        return site, planned

    def end(self, identifier: str, by: str) -> Entry | None:
        """End a fault early, or try again what was left unknown. Returns at once; None: no such fault."""
        entry = self.entry(identifier)
        if entry is None:
            return None
        if not entry.over:
            self._journal.note("ended", id=identifier, by=by)
            self._tend(self._journal.book.entries[identifier], None)
        return self.entry(identifier)

    def end_all(self, by: str, only: Collection[str] | None = None) -> list[Entry]:
        """End every fault, or `only` those of these ids, wait until all are settled, and return them."""
        not_over = (entry.order.id for entry in self.entries() if not entry.over)
        ending = [identifier for identifier in not_over if only is None or identifier in only]
        for identifier in ending:
            self.end(identifier, by)
        for (identifier, _), life in list(self._executions.items()):
            if identifier in ending:
                life.join()
        return [self._journal.book.entries[identifier] for identifier in ending]

    def block(self) -> list[Entry]:
        """The kill switch: refuse every new fault, also after a restart; end and return those in force."""
        with self._taking_orders:
            self._journal.note("blocked")
        log.info("blocked: new faults are refused")
        return self.end_all("block")

    def unblock(self) -> None:
        """Take orders again."""
        self._journal.note("unblocked")
        log.info("unblocked: faults are allowed again")

    def resume(self) -> None:
        """Take up every fault of the journal that is not over: what another injector began."""
        for entry in self.entries():
            if not entry.over:
                self._tend(entry, None)

    def catch_up(self) -> None:
        """Write down what happened while there was no room for it."""
        self._journal.catch_up()
        self._record.catch_up()

    # --- lives ---

    def _tend(self, entry: Entry, site: Site | None) -> None:
        """One thread for each target of this fault that has none, and one for its stop condition."""
        with self._tending:
            self._guard(entry)
            ending = self._ending.setdefault(entry.order.id, threading.Event())
            if entry.ended_by:
                ending.set()
            for target, progress in entry.progress.items():
                key = (entry.order.id, target)
                if not (
                    progress.phase.is_over or (key in self._executions and self._executions[key].is_alive())
                ):
                    self._executions[key] = threading.Thread(
                        target=self._live, args=(entry, target, ending, site), name=":".join(key), daemon=True
                    )
                    self._executions[key].start()

    def _guard(self, entry: Entry) -> None:
        order = entry.order
        if not order.stop_when or entry.ended_by or order.id in self._guards:
            return
        self._guards[order.id] = threading.Thread(
            target=guard.watch,
            args=(
                StopCondition.parse(order.stop_when),
                self._journeys,
                lambda: self._journal.book.entries[order.id].settled,
                lambda why: self.end(order.id, by=why),
            ),
            name=f"{order.id}:guard",
            daemon=True,
        )
        self._guards[order.id].start()

    def _live(self, entry: Entry, name: str, ended: threading.Event, site: Site | None) -> None:
        try:
            site = site or self._open_site()
            target = named(name, site.inventory, entry.order.callers)
            if target is None:  # no failure: what vanished took the fault with it
                self._settle(entry, name, "reverted", f"{name} is no part of this site any more")
                return
            fault = fault_named(entry.order.fault)
            others = partial(self._hurt_besides, entry.order.id)
            Execution(fault, target, entry, site, self._journal, self._record, ended, others).live()
        except Exception as error:
            log.exception("%s on %s cannot be tended", entry.order.id, name)
            self._settle(entry, name, "unknown", str(error))

    def _settle(self, entry: Entry, target: str, event: str, evidence: str) -> None:
        self._record.tell(event, entry, target, evidence=evidence)
        self._journal.note(event, id=entry.order.id, target=target, evidence=evidence)

    def _hurt_besides(self, identifier: str) -> bool:
        """Whether another fault is in force, or could not be undone; or the disk is full, which makes parts
        ill by itself: Redis takes no write then, and answers no PING."""
        return self._journal.is_without_room or any(
            progress.phase.may_hurt
            for entry in self.entries()
            if entry.order.id != identifier
            for progress in entry.progress.values()
        )

    def _refuse_unsafe(self, planned: Plan) -> None:
        """Raise Failure for more than this site allows, and for a stop condition that nobody can judge or
        that is met before the fault has begun."""
        self.safety.refuse_beyond(
            planned.seconds, {target.name for target in planned.targets}, self._targets_in_force()
        )
        condition = planned.stop_when
        if condition is None:
            return
        journeys = self._journeys()
        if not journeys:
            raise Failure(
                "the prober does not answer, so nobody can judge a stop condition", "see: failwhale status"
            )
        if condition.holds(journeys):
            raise Failure(
                f"the stop condition is met already: {', '.join(condition.hurt(journeys))}",
                "see: failwhale watch",
                BASELINE_NOT_MET,
            )

    def _targets_in_force(self) -> set[str]:
        return {
            target
            for entry in self.entries()
            for target, progress in entry.progress.items()
            if not progress.phase.is_over
        }

    def _refuse_second(self, fault: Fault, target: str) -> None:
        for entry in self.entries():
            progress = entry.progress.get(target)
            if entry.order.fault == fault.name and progress is not None and not progress.phase.is_over:
                state = "could not be undone yet" if progress.phase is Phase.UNKNOWN else "is in force"
                raise Failure(
                    f"{fault.name} {state} on {target} ({entry.order.id})",
                    f"wait for its end, or: failwhale chaos end {entry.order.id}",
                    code=FAILED,
                )
