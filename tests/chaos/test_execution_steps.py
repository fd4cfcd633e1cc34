"""The steps of one life, one by one: what is done at which moment, on a clock that moves only by waiting.

test_execution.py has whole lives on a site; here every decision is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

import chaos.execution
from chaos.execution import Execution
from chaos.fault import Fault, Injection, Proof
from chaos.journal import Book, Entry, Journal, Order, PartProgress, _follow
from chaos.phase import Phase
from chaos.record import FaultRecorder
from chaos.target import at
from foundation.clock import parse, stamp
from testbed.inventory import Part
from testbed.site import Site

POST = Part("post@east", "post", "east", "post-east", "8000", {"8000": "127.0.0.1:1"})
T0 = 1_700_000_000.0
LASTS = 10.0


class Clock:
    """Moves when somebody waits, and by what a step is said to take."""

    def __init__(self) -> None:
        self.now = 100.0
        self.began = self.now

    @property
    def passed(self) -> float:
        return round(self.now - self.began, 3)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Ended:
    """An event that is set `at` so many seconds, if at all."""

    def __init__(self, clock: Clock, at: float = float("inf")) -> None:
        self._clock = clock
        self.at = at

    def is_set(self) -> bool:
        return self._clock.passed >= self.at

    def wait(self, seconds: float) -> bool:
        self._clock.now += max(0.0, min(seconds, self.at - self._clock.passed))
        return self.is_set()


@dataclass
class Script:
    """A fault that does what its test says. Each step may be a value, a function of the time, or an error."""

    clock: Clock
    name: str = "script"
    lasting: bool = True
    bites: Callable[[float], Proof] = lambda now: Proof(True, "it bites")
    is_gone: Callable[[float], Proof] = lambda now: Proof(False, "still there")
    reverts: bool = True
    fails: dict[str, Exception] = field(default_factory=dict)
    trace: list[tuple[float, str]] = field(default_factory=list)
    injections: list[Injection] = field(default_factory=list)
    sites: list[object] = field(default_factory=list)
    sustained: list[float] = field(default_factory=list)
    """When it was asked to do again what must be done again."""
    reverted: bool = False

    def _step(self, name: str, site: object, injection: Injection) -> None:
        self.trace.append((self.clock.passed, name))
        self.injections.append(injection)
        self.sites.append(site)
        assert isinstance(site, Stage)
        assert isinstance(injection, Injection)
        if name in self.fails:
            raise self.fails[name]

    def arm(self, site: object, injection: Injection) -> None:
        self._step("arm", site, injection)

    def disarm(self, site: object, injection: Injection) -> None:
        self._step("disarm", site, injection)

    def apply(self, site: object, injection: Injection) -> None:
        self._step("apply", site, injection)

    def sustain(self, site: object, injection: Injection) -> None:
        assert isinstance(site, Stage)
        self.sustained.append(self.clock.passed)
        if "sustain" in self.fails:
            raise self.fails["sustain"]

    def verify(self, site: object, injection: Injection) -> Proof:
        self._step("prove", site, injection)
        return self.bites(self.clock.passed)

    def revert(self, site: object, injection: Injection) -> None:
        self._step("revert", site, injection)
        self.reverted = self.reverts

    def verify_reverted(self, site: object, injection: Injection) -> Proof:
        self._step("gone", site, injection)
        return Proof(True, "gone") if self.reverted else self.is_gone(self.clock.passed)


@dataclass
class Stage:
    """A site with one part, ready `from_` so many seconds."""

    clock: Clock
    from_: float = 0.0
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    @property
    def runtime(self) -> SimpleNamespace:
        return SimpleNamespace(is_running=lambda name: not self.is_down)

    def ready(self, part: Part) -> bool:
        self.asked.append(part.name)
        return self.clock.passed >= self.from_


class Notes:
    """Journal and ledger in one: what was noted, when, and by which of the two first."""

    def __init__(self, clock: Clock, entry: Entry) -> None:
        self.clock = clock
        self.book = Book({entry.order.id: entry})
        self.lines: list[tuple[float, str, str, dict[str, Any]]] = []
        self.operators: list[tuple[str, float]] = []
        """Who was at work: on which target, and when (Unix seconds)."""

    def was_operated(self, target: str, since: float, until: float) -> bool:
        return any(target == worked_on and since <= at <= until for worked_on, at in self.operators)

    def tell(self, event: str, entry: Entry, target: str, **fields: Any) -> None:
        assert (entry.order.id, target) == ("script-1", "post@east")
        self.lines.append((self.clock.passed, "ledger", event, fields))

    def note(self, event: str, **fields: Any) -> None:
        record = {"at": stamp(T0 + self.clock.passed), "event": event, **fields}
        assert (fields.pop("id"), fields.pop("target")) == ("script-1", "post@east")
        self.lines.append((self.clock.passed, "journal", event, fields))
        self.book = _follow(self.book, record)

    @property
    def events(self) -> list[tuple[float, str]]:
        return [(when, event) for when, where, event, _ in self.lines if where == "journal"]

    def fields(self, event: str) -> dict[str, Any]:
        """Of the last one."""
        return [fields for _, where, name, fields in self.lines if (where, name) == ("journal", event)][-1]


class Timed(Order):
    clock: Clock

    def left(self) -> float:
        return round(LASTS - (self.clock.now - self.clock.began), 6)


class Play:
    """A life with all that it touches."""

    def __init__(
        self, progress: PartProgress | None = None, ended: str = "", end_at: float = float("inf")
    ) -> None:
        self.clock = Clock()
        order = Timed("script-1", "script", "post@east", ("post@east",), {"n": 1}, LASTS, T0, T0 + LASTS, 0)
        object.__setattr__(order, "clock", self.clock)
        entry = Entry(order, {"post@east": progress or PartProgress()}, ended)
        self.fault = Script(self.clock)
        self.site = Stage(self.clock)
        self.notes = Notes(self.clock, entry)
        self.ended = Ended(self.clock, end_at)
        self.others = False
        self.life = Execution(
            cast(Fault, self.fault),
            at(POST),
            entry,
            cast(Site, self.site),
            cast(Journal, self.notes),
            cast(FaultRecorder, self.notes),
            cast(Any, self.ended),
            lambda: self.others,
        )

    def at(self, seconds: float) -> None:
        """Begin so long after it was asked for."""
        self.clock.now = self.clock.began + seconds

    @property
    def progress(self) -> PartProgress:
        return self.notes.book.entries["script-1"].progress["post@east"]

    @property
    def steps(self) -> list[str]:
        return [name for _, name in self.fault.trace]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Play]:
    """Makes one; its clock is the one that life sees."""
    values = {"POLL": 0.05, "LOOK_AGAIN": 0.5, "LEASE_MARGIN": 0.5, "_RETRY": 0.2, "_REVERT_AGAIN": 2.0}
    for name, value in {**values, "VERIFY_LIMIT": 3.0, "REVERT_LIMIT": 20.0}.items():
        monkeypatch.setattr(chaos.execution, name, value)

    def make(**more: Any) -> Play:
        made = Play(**more)
        monkeypatch.setattr(chaos.execution, "time", made.clock)
        return made

    return make


# --- a life as it should be ---


def test_armed_before_applied_verified_waited_for_and_seen_to_be_reverted(
    play: Callable[..., Play],
) -> None:
    one = play()
    one.life.live()
    assert one.steps[:3] == ["arm", "apply", "prove"]
    assert one.steps[-3:] == ["revert", "gone", "disarm"]
    assert set(one.steps[3:-3]) == {"gone"}
    assert one.notes.events == [(0.0, "applied"), (0.0, "verified"), (10.0, "reverting"), (10.0, "reverted")]
    assert one.notes.fields("verified") == {"verified": True, "evidence": "it bites"}
    assert one.notes.fields("reverting") == {"ended_by": "limit"}
    assert one.notes.fields("reverted") == {"evidence": "gone and ready"}
    assert one.site.asked == ["post@east"]
    assert set(map(id, one.fault.sites)) == {id(one.site)}


def test_the_ledger_is_told_before_the_journal_and_the_same(play: Callable[..., Play]) -> None:
    one = play()
    one.life.live()
    pairs = list(zip(one.notes.lines[::2], one.notes.lines[1::2], strict=True))
    assert len(pairs) == 4
    for told, noted in pairs:
        assert (told[1], noted[1]) == ("ledger", "journal")
        assert (told[0], told[2], told[3]) == (noted[0], noted[2], noted[3])


def test_the_lease_outlasts_the_limit_by_a_margin_and_never_shrinks_below_it(
    play: Callable[..., Play],
) -> None:
    one = play()
    one.life.live()
    first, last = one.fault.injections[0], one.fault.injections[-1]
    assert (first.id, first.part, first.parameters) == ("script-1", POST, {"n": 1})
    assert first.seconds == 10.5
    assert last.seconds == 0.5
    late = play()
    late.at(12)
    late.life.live()
    assert late.fault.injections[-1].seconds == 0.5


def test_what_is_applied_already_is_not_applied_again(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(4)
    one.life.live()
    assert one.steps[0] == "prove"
    assert "apply" not in one.steps
    assert "arm" not in one.steps
    assert one.notes.events[-2:] == [(10.0, "reverting"), (10.0, "reverted")]


def test_what_is_verified_already_is_not_verified_again(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0, verified=True, evidence="before"))
    one.at(4)
    one.life.live()
    assert "prove" not in one.steps
    assert [event for _, event in one.notes.events] == ["reverting", "reverted"]


@pytest.mark.parametrize(
    "known", [PartProgress(applied=T0, reverting=T0), PartProgress(applied=T0, ceased=T0)]
)
def test_what_was_over_is_only_undone(play: Callable[..., Play], known: PartProgress) -> None:
    one = play(progress=known)
    one.life.live()
    assert one.steps == ["revert", "gone", "disarm"]
    assert one.clock.passed == 0


@pytest.mark.parametrize("late", [10.0, 10.2])
def test_after_the_limit_nothing_is_begun(play: Callable[..., Play], late: float) -> None:
    one = play()
    one.at(late)
    one.life.live()
    assert one.steps == ["revert", "gone", "disarm"]
    assert one.notes.fields("reverting") == {"ended_by": "limit"}


def test_what_was_ended_before_it_began_is_not_begun(play: Callable[..., Play]) -> None:
    one = play(ended="heal", end_at=0.0)
    one.life.live()
    assert one.steps == ["revert", "gone", "disarm"]
    assert one.notes.fields("reverting") == {"ended_by": "heal"}


def test_an_early_end_is_heeded_at_once_and_the_record_says_whose_it_was(play: Callable[..., Play]) -> None:
    one = play(ended="operator", end_at=3.25)
    one.life.live()
    assert one.notes.events[-2:] == [(3.25, "reverting"), (3.25, "reverted")]
    assert one.notes.fields("reverting") == {"ended_by": "operator"}
    assert one.progress.ceased is None


def test_what_happens_once_is_not_waited_for(play: Callable[..., Play]) -> None:
    one = play()
    one.fault.lasting = False
    one.life.live()
    assert one.steps == ["arm", "apply", "prove", "revert", "gone", "disarm"]
    assert one.clock.passed == 0


# --- proving ---


def test_a_proof_that_comes_late_is_waited_for(play: Callable[..., Play]) -> None:
    one = play()
    one.fault.bites = lambda now: Proof(now >= 1.0, "so" if now >= 1.0 else "not so")
    one.life.live()
    assert one.notes.events[1] == (1.0, "verified")
    assert one.notes.fields("verified") == {"verified": True, "evidence": "so"}
    proofs = [when for when, name in one.fault.trace if name == "prove"]
    assert proofs == pytest.approx([0.05 * step for step in range(21)])


@pytest.mark.parametrize("verdict", [False, None])
def test_what_does_not_bite_within_its_time_is_told_and_ends_at_its_limit_all_the_same(
    play: Callable[..., Play], verdict: bool | None
) -> None:
    one = play()
    one.fault.bites = lambda now: Proof(verdict, "nothing")
    one.life.live()
    assert one.notes.events[1] == (pytest.approx(3.0, abs=0.051), "verified")
    assert one.notes.fields("verified") == {"verified": verdict, "evidence": "nothing"}
    assert one.notes.events[-2:] == [(10.0, "reverting"), (10.0, "reverted")]
    # None is asked once more at the end; what certainly did not bite is not.
    assert [event for _, event in one.notes.events].count("verified") == (2 if verdict is None else 1)
    assert one.progress.ceased is None


@pytest.mark.parametrize(("met", "told"), [(5.2, 5.5), (9.8, 10.0)])
def test_who_meets_it_later_proves_it(play: Callable[..., Play], met: float, told: float) -> None:
    one = play()
    one.fault.bites = lambda now: Proof(True if now >= met else None, "met")
    one.life.live()
    assert one.notes.events[1][1] == "verified"
    assert one.notes.events[2] == (pytest.approx(told, abs=0.051), "verified")
    assert one.notes.fields("verified") == {"verified": True, "evidence": "met"}
    assert [event for _, event in one.notes.events].count("verified") == 2
    assert one.progress.verified is True
    looks = [when for when, name in one.fault.trace if name == "prove" and when > 3.1]
    assert looks[1] - looks[0] == pytest.approx(0.5)


def test_later_it_may_also_turn_out_that_it_does_not_bite(play: Callable[..., Play]) -> None:
    one = play()
    one.fault.bites = lambda now: Proof(False if now >= 5 else None, "answered as ever")
    one.life.live()
    assert one.progress.verified is False
    assert [event for _, event in one.notes.events].count("verified") == 2


def test_what_its_lease_has_just_ended_is_not_said_to_have_had_no_effect(play: Callable[..., Play]) -> None:
    one = play()
    one.fault.bites = lambda now: Proof(None, "met nobody") if now < 10 else Proof(False, "nothing there")
    one.life.live()
    assert one.progress.verified is None
    assert one.progress.evidence == "met nobody"


def test_who_wakes_up_when_the_lease_has_undone_it_does_not_ask_for_proof(play: Callable[..., Play]) -> None:
    one = play()
    one.fault.bites = lambda now: Proof(None, "nobody")
    one.ended.wait = lambda seconds: one.clock.sleep(60) or False  # type: ignore[method-assign, func-returns-value]
    one.life.live()
    assert [event for _, event in one.notes.events].count("verified") == 1


def test_a_proof_that_fails_says_why_and_is_tried_again(play: Callable[..., Play]) -> None:
    one = play()

    def bites(now: float) -> Proof:
        if now < 0.5:
            raise ConnectionError("no\n  answer")
        return Proof(None, "none")

    one.fault.bites = bites
    one.at(0.0)
    one.life.live()
    assert one.notes.fields("verified")["evidence"] == "none"
    silent = play()
    silent.fault.fails["prove"] = ConnectionError("no\n  answer")
    silent.life.live()
    assert silent.notes.fields("verified") == {"verified": None, "evidence": "no answer"}


def test_the_proof_is_not_waited_for_beyond_the_limit(play: Callable[..., Play]) -> None:
    one = play()
    one.at(9.0)
    one.fault.bites = lambda now: Proof(None, "nobody")
    one.life.live()
    first = next(when for when, event in one.notes.events if event == "verified")
    assert first <= 10.0
    assert [when for when, event in one.notes.events if event == "reverting"] == [10.0]


# --- ceasing ---


def test_it_is_looked_at_twice_a_second_while_it_lasts(play: Callable[..., Play]) -> None:
    one = play()
    one.life.live()
    looks = [when for when, name in one.fault.trace[3:-3] if name == "gone"]
    assert looks == [0.5 * step for step in range(1, 20)]


@pytest.mark.parametrize("fails", [False, True])
def test_what_must_be_done_again_is_done_at_once_and_twice_a_second(
    play: Callable[..., Play], fails: bool
) -> None:
    one = play()
    if fails:
        one.fault.fails["sustain"] = OSError("it does not answer")
    one.life.live()
    assert one.fault.sustained == [0.5 * step for step in range(21)]
    assert [event for _, event in one.notes.events] == ["applied", "verified", "reverting", "reverted"]


def test_what_is_gone_and_does_not_bite_has_ceased_and_is_cleaned_up_at_once(
    play: Callable[..., Play],
) -> None:
    one = play()
    one.fault.is_gone = lambda now: Proof(now >= 4.2, "it goes on")
    one.fault.bites = lambda now: Proof(now < 4.2, "bites")
    one.life.live()
    assert one.notes.events == [
        (0.0, "applied"),
        (0.0, "verified"),
        (4.5, "ceased"),
        (4.5, "reverting"),
        (4.5, "reverted"),
    ]
    assert one.notes.fields("ceased") == {"evidence": "it goes on"}
    assert one.notes.fields("reverting") == {"ended_by": "itself"}
    assert one.progress.ceased == parse(stamp(T0 + 4.5))
    assert one.steps[-3:] == ["revert", "gone", "disarm"]


@pytest.mark.parametrize(
    ("worked_on", "when", "by"),
    [
        ("post@east", 4.0, "operator"),
        ("post@east", -1.0, "itself"),  # before the fault
        ("post@east", 5.0, "itself"),  # after it had ceased
        ("post@west", 4.0, "itself"),
    ],
)
def test_what_has_ceased_while_an_operator_was_at_work_there_was_ended_by_the_operator(
    play: Callable[..., Play], worked_on: str, when: float, by: str
) -> None:
    one = play()
    one.notes.operators.append((worked_on, T0 + when))
    one.fault.is_gone = lambda now: Proof(now >= 4.2, "it goes on")
    one.fault.bites = lambda now: Proof(now < 4.2, "bites")
    one.life.live()
    assert one.notes.fields("reverting") == {"ended_by": by}
    assert one.progress.phase is Phase.CEASED


def test_what_its_limit_has_ended_was_not_ended_by_an_operator(play: Callable[..., Play]) -> None:
    one = play()
    one.notes.operators.append(("post@east", T0 + 4.0))
    one.life.live()
    assert one.notes.fields("reverting") == {"ended_by": "limit"}


@pytest.mark.parametrize(
    ("is_gone", "bites"),
    [
        (Proof(True, "so it seems"), Proof(True, "it bites")),
        (Proof(None, "who knows"), Proof(False, "no")),
        (Proof(False, "there"), Proof(False, "no")),
    ],
)
def test_only_what_is_seen_to_be_gone_and_not_to_bite_has_ceased(
    play: Callable[..., Play], is_gone: Proof, bites: Proof
) -> None:
    one = play()
    one.fault.is_gone = lambda now: is_gone
    one.fault.bites = lambda now: bites if now > 0 else Proof(True, "at first")
    one.life.live()
    assert one.progress.ceased is None
    assert one.notes.events[-2] == (10.0, "reverting")


@pytest.mark.parametrize("fails", ["gone", "prove"])
def test_a_look_that_fails_is_no_end_but_a_part_that_is_gone_and_silent_has_ceased(
    play: Callable[..., Play], fails: str
) -> None:
    one = play(progress=PartProgress(applied=T0, verified=True))
    one.fault.is_gone = lambda now: Proof(True, "it is down, and the fault with it")
    one.fault.fails[fails] = ConnectionError("refused")
    one.ended.at = 2.0
    one.fault.reverted = False
    try_again = one.fault.revert

    def revert(site: object, injection: Injection) -> None:
        one.fault.fails.clear()
        try_again(site, injection)

    one.fault.revert = revert  # type: ignore[method-assign]
    one.life.live()
    assert (one.progress.ceased is None) == (fails == "gone")


def test_what_was_never_verified_does_not_cease(play: Callable[..., Play]) -> None:
    one = play()
    one.fault.is_gone = lambda now: Proof(True, "it was never there")
    one.fault.bites = lambda now: Proof(False, "no")
    one.life.live()
    assert one.progress.ceased is None
    assert "gone" not in one.steps[:-3]


def test_what_is_ended_while_it_is_looked_at_has_not_ceased(play: Callable[..., Play]) -> None:
    one = play(ended="heal")

    def is_gone(now: float) -> Proof:
        one.ended.at = now
        return Proof(True, "healed")

    one.fault.is_gone = is_gone
    one.fault.bites = lambda now: Proof(now == 0, "bites")
    one.life.live()
    assert one.progress.ceased is None
    assert one.progress.ended_by == "heal"


# --- undoing ---


def test_a_revert_that_fails_is_repeated_until_it_works(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(10.1)
    revert = one.fault.revert

    def stubborn(site: object, injection: Injection) -> None:
        revert(site, injection)
        if one.clock.passed < 10.6:
            raise ConnectionError("not\nnow")

    one.fault.revert = stubborn  # type: ignore[method-assign]
    one.life.restore()
    assert [when for when, name in one.fault.trace if name == "revert"] == pytest.approx(
        [10.1, 10.3, 10.5, 10.7]
    )
    assert one.notes.events == [(10.7, "reverting"), (10.7, "reverted")]


def test_a_revert_without_effect_is_repeated_every_two_seconds_and_given_up_after_twenty(
    play: Callable[..., Play],
) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(10.1)
    one.fault.reverts = False
    one.life.restore()
    reverts = [when for when, name in one.fault.trace if name == "revert"]
    assert len(reverts) == pytest.approx(10, abs=1)
    assert reverts[1] - reverts[0] == pytest.approx(2.2, abs=0.051)
    assert [event for _, event in one.notes.events] == ["reverting", "unknown"]
    assert one.notes.events[-1][0] == pytest.approx(30.1, abs=0.21)
    assert one.notes.fields("unknown") == {"evidence": "still there"}
    assert one.progress.unknown is not None
    assert "disarm" not in one.steps


def test_a_revert_that_never_works_is_unknown_and_the_record_says_why(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(10.1)
    one.fault.fails["revert"] = ConnectionError("refused\n for ever")
    one.life.restore()
    assert [event for _, event in one.notes.events] == ["unknown"]
    assert one.notes.fields("unknown") == {"evidence": "refused for ever"}
    assert one.notes.events[-1][0] == pytest.approx(30.1, abs=0.21)
    assert one.progress.reverted is None


def test_a_part_is_waited_for_until_it_is_ready(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(10.1)
    one.site.from_ = 11.0
    one.life.restore()
    assert one.notes.events[-1] == (pytest.approx(11.0, abs=0.051), "reverted")
    assert one.steps.count("revert") == 1
    never = play(progress=PartProgress(applied=T0))
    never.at(10.1)
    never.site.from_ = 1000.0
    never.life.restore()
    assert never.notes.fields("unknown") == {"evidence": "gone and not ready yet"}


@pytest.mark.parametrize(
    ("ceases", "is_down", "phase", "evidence"),
    [
        (True, True, Phase.CEASED, "it goes on and stopped since by somebody"),
        (True, False, Phase.UNKNOWN, "it goes on and not ready yet"),
        (False, True, Phase.UNKNOWN, "gone and not ready yet"),
    ],
)
def test_who_was_stopped_since_a_fault_ceased_need_not_be_ready(
    play: Callable[..., Play], ceases: bool, is_down: bool, phase: Phase, evidence: str
) -> None:
    one = play()
    one.site.from_, one.site.is_down = float("inf"), is_down
    one.fault.reverts = not ceases
    one.fault.is_gone = lambda now: Proof(ceases and now >= 4.2, "it goes on")
    one.fault.bites = lambda now: Proof(not ceases or now < 4.2, "bites")
    one.life.live()
    assert one.progress.phase is phase
    assert one.progress.end_evidence == evidence


def test_a_part_that_others_hurt_is_not_asked_to_be_ready(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(10.1)
    one.site.from_ = 1000.0
    one.others = True
    one.life.restore()
    assert one.notes.fields("reverted") == {"evidence": "gone"}
    assert one.site.asked == []


def test_what_is_not_gone_yet_is_not_asked_whether_it_is_ready(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(10.1)
    one.fault.reverts = False
    one.life.restore()
    assert one.site.asked == []


@pytest.mark.parametrize(
    ("late", "known", "lasting", "is_gone", "by"),
    [
        (10.5, PartProgress(applied=T0), True, Proof(True, "started"), "lease"),
        (10.5, PartProgress(applied=T0), True, Proof(False, "down"), "limit"),
        (10.5, PartProgress(applied=T0), True, Proof(None, "?"), "limit"),
        (10.4, PartProgress(applied=T0), True, Proof(True, "started"), "limit"),
        (99.0, PartProgress(), True, Proof(True, "started"), "limit"),
        (99.0, PartProgress(applied=T0), False, Proof(True, "started"), "limit"),
    ],
)
def test_who_comes_after_the_margin_and_finds_it_undone_says_that_the_lease_did_it(
    play: Callable[..., Play], late: float, known: PartProgress, lasting: bool, is_gone: Proof, by: str
) -> None:
    one = play(progress=known)
    one.at(late)
    one.fault.lasting = lasting
    one.fault.is_gone = lambda now: is_gone
    one.life.restore()
    assert one.notes.fields("reverting") == {"ended_by": by}


def test_when_nobody_can_say_who_undid_it_it_was_the_controller(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0), ended="")
    one.at(11.0)
    looks = []

    def is_gone(now: float) -> Proof:
        looks.append(now)
        raise ConnectionError("refused")

    one.fault.is_gone = is_gone
    one.life.restore()
    assert looks == [11.0]
    assert one.notes.fields("reverting") == {"ended_by": "limit"}
    assert one.progress.reverted is not None


def test_a_revert_is_noted_once(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0, reverting=T0 + 3, ended_by="heal"))
    one.at(5.0)
    one.life.restore()
    assert one.notes.events == [(5.0, "reverted")]
    assert one.progress.ended_by == "heal"


# --- failing ---


@pytest.mark.parametrize("step", ["arm", "apply"])
def test_what_cannot_be_applied_is_told_and_undone(play: Callable[..., Play], step: str) -> None:
    one = play()
    one.fault.fails[step] = ValueError()
    one.life.live()
    assert [event for _, event in one.notes.events] == ["failed", "reverting", "reverted"]
    assert one.notes.fields("failed") == {"why": "ValueError"}
    assert one.steps[-3:] == ["revert", "gone", "disarm"]
    assert ("apply" in one.steps) == (step == "apply")
    assert one.progress.applied is None


def test_a_lease_that_cannot_be_taken_back_is_tried_again(play: Callable[..., Play]) -> None:
    one = play(progress=PartProgress(applied=T0))
    one.at(10.1)
    one.fault.fails["disarm"] = ConnectionError("the supervisor is away")
    one.life.restore()
    assert one.steps.count("disarm") > 50
    assert one.notes.fields("unknown") == {"evidence": "the supervisor is away"}
