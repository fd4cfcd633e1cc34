"""What a loss comes to, by what users felt and by what was acknowledged and is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import outages.model
from drills.failover.way import Way
from foundation.console import spell_duration
from foundation.verdict import Verdict
from loadtests.findings import Findings
from outages.history import order_of
from outages.model import UNDER_WAY

MOST_BLIND = 1.0
"""Seconds of a trial in which nobody need have looked: every journey is tried twice a second or so."""


@dataclass(frozen=True)
class Felt:
    """That a journey was down or slow between two moments (Unix seconds)."""

    journey: str
    start: float
    end: float
    is_slow: bool = False
    """Not down: users get there, and it takes long."""

    @classmethod
    def of(cls, outage: outages.model.Felt, now: float) -> Self:
        """One that goes on has lasted until now."""
        return cls(
            outage.journey, outage.start, now if outage.end is None else outage.end, outage.kind == "slow"
        )


@dataclass(frozen=True)
class Judged:
    """`verdict`: whether the way of escape works; None: it was not tried, or nobody saw what became of
    users."""

    verdict: Verdict
    because: str
    suffered: float = 0.0
    """Seconds from the loss until users were well; 0: they felt nothing."""
    lost: int = 0
    """Acknowledged writes that are gone, or deletions that are undone, although a replica was said to have
    them."""
    announced: int = 0
    """Acknowledged writes that are gone as it was said: no replica had them."""

    @classmethod
    def untested(cls, because: str) -> Self:
        return cls(None, because)


def judge(
    way: Way, felt: Sequence[Felt], lost: float, returned: float, blind: float, kept: Findings
) -> tuple[Judged, Judged | None]:
    """The loss, and the return where the way asks for that. Times are Unix seconds; `blind` are the seconds
    in which nobody could see how users fared.

    What is slow for as long as the loss lasts is told, and breaks no way: who looks for a dead machine at
    each visit waits until that is clear, and then gets there by the other edge.
    """
    counted = [one for one in felt if one.journey not in way.spared and one.end > lost]
    if ill := [one for one in counted if one.start < lost - UNDER_WAY]:
        untested = Judged.untested(f"not well before: {_named(ill)}")
        return untested, untested if way.comes_back else None
    of_return = [one for one in counted if way.comes_back and _is_of_return(one, returned)]
    before = [one for one in counted if one.start < returned and one not in of_return]
    slow = [one for one in before if one.is_slow and one.end >= returned]
    hurt = [one for one in before if one not in slow]
    judged = Judged(
        *_verdict(way, hurt, slow, lost, returned, blind, kept),
        suffered=max((one.end - lost for one in hurt), default=0.0),
        lost=len(kept.lost) + len(kept.returned),
        announced=len(kept.lost_as_announced),
    )
    return judged, _judge_return(of_return, returned, blind) if way.comes_back else None


def _verdict(
    way: Way,
    hurt: Sequence[Felt],
    slow: Sequence[Felt],
    lost: float,
    returned: float,
    blind: float,
    kept: Findings,
) -> tuple[Verdict, str]:
    """Of the loss, and why; `slow` are those that were so until the return."""
    if blind > MOST_BLIND:
        return None, _unseen(blind)
    if any(one.end >= returned for one in hurt):
        return False, f"users were well only once it was back: {_named(hurt)}"
    if any(one.end - lost > way.within for one in hurt if not one.is_slow):
        return False, f"it took longer than {spell_duration(way.within)}: {_named(hurt)}"
    if kept.holds is False:
        return False, f"of what was acknowledged: {kept.because}"
    if kept.holds is None and not _is_all_there(kept):
        return None, f"what was lost is not known: {kept.because}"
    said = [f"hurt: {_named(hurt)}"] if hurt else []
    said += [f"slow until it was back: {_named(slow)}"] if slow else []
    return True, "; ".join(said) or "nobody felt it"


def _is_all_there(kept: Findings) -> bool:
    """Whether something was acknowledged, and all of it was found: then nothing is lost, though a replica may
    have had too little of it to say that it never would be."""
    return kept.acknowledged > 0 and not kept.unknown and not kept.lost_as_announced


def _is_of_return(one: Felt, returned: float) -> bool:
    """An attempt that the return hurts may have begun before it."""
    return one.start >= returned - UNDER_WAY and one.end > returned


def _judge_return(after: Sequence[Felt], returned: float, blind: float) -> Judged:
    if blind > MOST_BLIND:
        return Judged.untested(_unseen(blind))
    down = [one for one in after if not one.is_slow]
    suffered = max((one.end for one in down or after), default=returned) - returned
    if down:
        return Judged(False, f"a second outage: {_named(down)}", suffered)
    return Judged(True, f"slow for a moment: {_named(after)}" if after else "nobody felt it", suffered)


def _unseen(seconds: float) -> str:
    return f"nobody looked for {spell_duration(round(seconds, 1))}"


def _named(felt: Sequence[Felt]) -> str:
    """In one order, whichever was hurt first: the same in several trials reads the same."""
    return ", ".join(sorted({one.journey for one in felt}, key=order_of))
