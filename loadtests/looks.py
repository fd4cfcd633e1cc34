"""Looks of sessions that missed something: what each session is promised to see, and what it is not.

A read is answered by the primary or, while that cannot be reached, by its replica. So what was said to be
replicated is seen by every read that begins after the acknowledgement, whichever server, edge or data centre
answers, also after a promotion. What was said not to be replicated is on one server, and may not be seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from loadtests.acknowledged import CHANGES, GONE, POST, UNSEEN, Acknowledged
from loadtests.findings import Finding, Findings

_WHAT = {UNSEEN: "a session did not see what it had written", GONE: "a session saw it, and then did not"}


def judge_looks(lines: Iterable[Acknowledged], load: str | None, findings: Findings) -> None:
    """Add what sessions of one load (or any) did not see to the findings, each once."""
    promised: dict[tuple[str, str, str], list[Acknowledged]] = {}
    taken_back = set()
    looks: dict[tuple[str, str, str, str], Acknowledged] = {}
    for line in lines:
        if line.kind in (UNSEEN, GONE):
            if load in (None, line.load):
                looks.setdefault((line.kind, line.id, line.author, line.text), line)
        elif line.kind == POST:
            promised.setdefault((POST, line.id, ""), []).append(line)
        elif line.kind in CHANGES:
            state, on = CHANGES[line.kind]
            if on:
                promised.setdefault((state, line.id, line.author), []).append(line)
            else:
                taken_back.add((state, line.id, line.author))
    for look in looks.values():
        is_change = look.text in CHANGES
        about = (look.text, look.id, look.author) if is_change else (POST, look.id, "")
        # Another session of the same person may have taken it back meanwhile.
        before = [one for one in promised.get(about, ()) if one.at <= look.at and one.replicated is not None]
        if before and about not in taken_back:
            found = Finding(look.id, before[-1].author, f"{look.text} as {look.author}", _WHAT[look.kind])
            kept = any(one.replicated for one in before)
            (findings.stale if kept else findings.stale_as_announced).append(found)
