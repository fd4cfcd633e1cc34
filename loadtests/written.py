"""Whether all that is there was written: what a load sent, each once, and nothing that the site refused.

Only texts with the mark of a load that the record knows are judged. What others write, people of the
population by hand or a load without a record, says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from loadtests.acknowledged import POST, REFUSED, SENT, Acknowledged
from loadtests.evidence import Timeline
from loadtests.findings import Finding, Findings
from loadtests.marks import load_of

MOST_AUTHORS = 100
"""Of how many authors the own timeline is read, beside those whose posts were acknowledged."""


class Written:
    """What loads wrote, or tried to: by author and text, of which no two are the same."""

    def __init__(self, lines: Iterable[Acknowledged], load: str | None) -> None:
        """Of one load, or of all."""
        self._fates: dict[tuple[str, str], str] = {}
        self._loads: set[str] = set()
        for line in lines:
            if line.kind not in (POST, SENT, REFUSED) or load not in (None, line.load):
                continue
            self._fates[line.author, line.text] = line.kind
            if line.kind == SENT:
                # Who takes down what is sent before it is sent takes down everything.
                self._loads.add(line.load)

    def timelines(self) -> list[Timeline]:
        """Those of authors who sent what was not acknowledged; nothing is expected there."""
        acknowledged = {author for (author, _), fate in self._fates.items() if fate == POST}
        others = dict.fromkeys(author for author, _ in self._fates if author not in acknowledged)
        some = list(others)[-MOST_AUTHORS:]
        return [Timeline(author, f"/timelines/users/{quote(author)}", []) for author in some]

    def judge(self, timelines: Sequence[Timeline], findings: Findings) -> None:
        """Add what nobody wrote, what was refused, and what was sent and not acknowledged and is there
        twice: more than once is counted elsewhere of what was acknowledged."""
        where: dict[str, Timeline] = {}
        found: dict[str, Any] = {}
        for timeline in timelines:
            for item in timeline.items:
                where.setdefault(item["id"], timeline)
                found.setdefault(item["id"], item)
        copies: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for post, item in found.items():
            if load_of(item["text"]) in self._loads:
                copies[item["author"]["name"], item["text"]].append(post)
        for (author, text), posts in copies.items():
            fate = self._fates.get((author, text))
            for post in posts:
                timeline = where[post]
                place = f"{timeline.path} of {timeline.reader}"
                if fate is None:
                    findings.phantom.append(Finding(post, author, place, "nobody wrote it"))
                elif fate == REFUSED:
                    findings.phantom.append(Finding(post, author, place, "it was refused"))
                elif fate == SENT and post != posts[0]:
                    findings.duplicated.append(Finding(post, author, place, "written twice"))
