"""Bringing another release to parts of a site: replica by replica, each ready before the next one is
touched."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from foundation.failure import USAGE, Failure
from foundation.patient_ledger import PatientLedger
from foundation.state import State
from foundation.suggestions import unknown
from foundation.user import user
from services.releases import all_releases
from services.releases.release import Release
from testbed.instruments import journeys_now
from testbed.inventory import Part
from testbed.site import Site

READY_SECONDS = 10.0
"""How long a replica may take to be ready with its new release."""

WATCHED_SECONDS = 3.0
"""How long users are watched after each replica, if errors are to end a roll-out: six attempts at each
journey."""

POLL_SECONDS = 0.02

Say = Callable[[str], None]


@dataclass(frozen=True)
class Move:
    """One part, from one release to another."""

    part: Part
    former: tuple[str, ...]
    """All that it was told so far, the present one last."""
    then: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        return self.former[-1] != self.then[-1]

    def __str__(self) -> str:
        return f"{self.part.name} {self.former[-1]} -> {self.then[-1]}"


@dataclass
class RollOut:
    """What became of a roll-out or a roll-back."""

    id: str
    what: Literal["roll-out", "roll-back"]
    moves: Sequence[Move]
    done: list[dict[str, Any]] = field(default_factory=list)
    """By part that runs another release now: `part`, `release`, `former`, `seconds`."""
    outcome: Literal["done", "paused", "failed"] = "done"
    why: str = ""
    seconds: float = 0.0


def refuse_unfinished(rolled: RollOut) -> RollOut:
    """The same. Raises Failure when not all of it was done."""
    if rolled.outcome != "done":
        raise Failure(f"the {rolled.what} is {rolled.outcome}: {rolled.why}", "see: failwhale release list")
    return rolled


def release_named(version: str) -> Release:
    """Raises Failure (usage) that lists what is near."""
    releases = all_releases()
    if version not in releases:
        raise unknown("release", version, releases)
    return releases[version]


def forward(site: Site, version: str, parts: Sequence[Part]) -> list[Move]:
    """What to do so that these parts run a release. Raises Failure (usage) for other parts than services."""
    moves = []
    for part in _services(parts):
        former = site.releases.told(part.name)
        moves.append(Move(part, former, former if former[-1] == version else (*former, version)))
    return moves


def backward(site: Site, parts: Sequence[Part]) -> list[Move]:
    """What to do so that these parts run what they ran before. Raises Failure when none ran anything else."""
    told = [(part, site.releases.told(part.name)) for part in _services(parts)]
    moves = [Move(part, former, former[:-1]) for part, former in told if len(former) > 1]
    if not moves:
        raise Failure(
            "there is no release before this one to go back to", "see: failwhale release list", USAGE
        )
    return moves


def restoring(site: Site, told: Mapping[str, tuple[str, ...]]) -> list[Move]:
    """What to do so that parts run again what each was told last at an earlier time, and from there can be
    rolled back as then. `told`: by part, all that it was told then. Raises Failure when it cannot be read
    what they were told since."""
    moves = (
        Move(part, site.releases.told(part.name), told[part.name])
        for part in site.inventory.parts
        if part.name in told
    )
    return [move for move in moves if move.is_needed]


def _services(parts: Sequence[Part]) -> Sequence[Part]:
    for part in parts:
        if part.kind != "service":
            raise Failure(f"{part.name} is no service: only services have releases", code=USAGE)
    return parts


def share_of(parts: Sequence[Part], share: float) -> list[Part]:
    """So many of the replicas of each kind, at least one of each: the first ones."""
    kinds = dict.fromkeys(part.service for part in parts)
    chosen: list[Part] = []
    for kind in kinds:
        group = [part for part in parts if part.service == kind]
        chosen += group[: max(1, int(len(group) * share + 0.5))]
    return chosen


def carry_out(
    site: Site,
    state: State,
    what: Literal["roll-out", "roll-back"],
    moves: Sequence[Move],
    *,
    at_once: bool = False,
    pause_on_errors: bool = False,
    say: Say = lambda _: None,
) -> RollOut:
    """Bring the parts to their releases, one after the other or, worse, all at once. What was begun and
    cannot be finished stays as it is. Raises Failure when nothing can be rolled out or back now."""
    rolled = RollOut(f"r-{secrets.token_hex(3)}", what, moves)
    needed = [move for move in moves if move.is_needed]
    ledger = PatientLedger(state.ledger)
    began = time.monotonic()
    with site.releases.road(f"{what} of {', '.join(sorted({move.then[-1] for move in moves}))}"):
        ledger.append(
            "release.started",
            roll_out=rolled.id,
            what=what,
            moves=[str(move) for move in needed],
            asked_by=user(),
        )
        try:
            for stage in [needed] if at_once else [[move] for move in needed]:
                ill_before = _ill(state) if pause_on_errors else set()
                if not _replace(site, ledger, rolled, stage, say):
                    break
                if pause_on_errors and (why := _hurt_since(state, ill_before)):
                    rolled.outcome, rolled.why = "paused", why
                    break
        except BaseException as error:
            rolled.outcome = "failed"
            rolled.why = error.message if isinstance(error, Failure) else "it was interrupted"
            raise
        finally:
            rolled.seconds = round(time.monotonic() - began, 3)
            ledger.append("release.finished", roll_out=rolled.id, outcome=rolled.outcome, why=rolled.why)
    return rolled


def _replace(site: Site, ledger: PatientLedger, rolled: RollOut, stage: Sequence[Move], say: Say) -> bool:
    """Whether all these parts are ready with their releases in time."""
    began = time.monotonic()
    running = [move for move in stage if site.runtime.is_running(move.part.name)]
    for move in stage:
        site.releases.tell(move.part.name, move.then)
        ledger.append(
            "release.changed",
            roll_out=rolled.id,
            part=move.part.name,
            release=move.then[-1],
            former=move.former[-1],
            good=release_named(move.then[-1]).is_good,
            hurts=hurts(move),
        )
        if move not in running:
            say(f"{move}: it is down, and runs that when it is started")
    for move in running:
        site.runtime.restart(move.part.name)
    late = _wait_ready(site, running)
    for move in stage:
        seconds = round(time.monotonic() - began, 3)
        rolled.done.append(
            {
                "part": move.part.name,
                "release": move.then[-1],
                "former": move.former[-1],
                "ready": move not in late,
                "seconds": seconds,
            }
        )
        if move in running and move not in late:
            say(f"{move}: ready after {seconds:.1f} s")
    if late:
        names = ", ".join(move.part.name for move in late)
        rolled.outcome = "failed"
        rolled.why = f"{names}: not ready with {late[0].then[-1]} within {READY_SECONDS:g} s"
    return not late


def hurts(move: Move) -> list[str]:
    """The journeys that may be hurt by what a part is to run."""
    return list(release_named(move.then[-1]).hurts.get(move.part.service, ()))


def _wait_ready(site: Site, moves: Sequence[Move]) -> list[Move]:
    """Those that are not ready with their release in time."""
    end = time.monotonic() + READY_SECONDS
    waiting = list(moves)
    while waiting and time.monotonic() < end:
        waiting = [move for move in waiting if not _is_ready(site, move)]
        if waiting:
            time.sleep(POLL_SECONDS)
    return waiting


def _is_ready(site: Site, move: Move) -> bool:
    return site.release(move.part) == move.then[-1] and site.ready(move.part)


def _ill(state: State) -> set[str]:
    """The journeys that are down or slow. Raises Failure when nobody can say."""
    journeys = journeys_now(state)
    if not journeys:
        raise Failure(
            "the prober does not answer: nobody can say whether users are hurt",
            "see: failwhale status; or go on without looking: leave out --pause-on-errors",
        )
    return {name for name, row in journeys.items() if row["state"] in ("down", "slow")}


def _hurt_since(state: State, before: set[str]) -> str:
    """Who is hurt when users were watched for a while, and was not before; empty: nobody."""
    time.sleep(WATCHED_SECONDS)
    hurt = sorted(_ill(state) - before)
    return f"users are hurt: {', '.join(hurt)}" if hurt else ""
