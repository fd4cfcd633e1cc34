"""What the checker looks at beside posts: the state in which people's last changes must have left the site.

Several changes of one thing follow each other (retweet, undo); the last one says what must be there now.
Where it is not known whether a later one was made, nothing is promised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import quote

from loadtests.acknowledged import CHANGES, Acknowledged
from loadtests.findings import Finding, Findings
from loadtests.public_api import PublicApi, Unreadable


@dataclass(eq=False)
class Changed:
    """Something that somebody changed last, as they see it."""

    promise: Acknowledged
    found: bool | None = None
    """Whether it is on; None where what it is about is not there."""
    unreadable: str = "it was never looked at"

    @property
    def state(self) -> str:
        return CHANGES[self.promise.kind][0]

    @property
    def wanted(self) -> bool:
        return CHANGES[self.promise.kind][1]

    async def look(self, api: PublicApi) -> None:
        try:
            self.found = await self._is_on(api)
            self.unreadable = ""
        except Unreadable as error:
            self.unreadable = str(error)

    async def _is_on(self, api: PublicApi) -> bool | None:
        subject, who = self.promise.id, self.promise.author
        match self.state:
            case "like":
                likes = await api.find(f"/posts/{quote(subject)}/likes", who)
                return None if likes is None else bool(likes["liked"])
            case "retweet":
                retweets = await api.find(f"/posts/{quote(subject)}/retweets", who)
                return None if retweets is None else bool(retweets["retweeted"])
            case "follow":
                profile = await api.find(f"/users/{quote(subject)}", who)
                return None if profile is None else profile["state"] in ("following", "requested")
            case "protect":
                return bool((await api.get(f"/users/{quote(who)}", who))["protected"])
            case _:
                return await api.is_ended(self.promise.text)

    def is_complete(self) -> bool:
        return not self.unreadable and self.found is self.wanted

    def judge(self, findings: Findings, but: Collection[str]) -> None:
        """Add what is wrong to the findings, leaving out what is about posts that are nowhere anyway."""
        if self.unreadable:
            findings.unknown.append(self._finding(self.unreadable))
        elif self.found is None:
            if self.promise.id not in but:
                findings.unknown.append(self._finding("what it is about is not there any more"))
        elif self.found is not self.wanted:
            what = f"acknowledged at {self.promise.at}, and it is not so"
            if not self.promise.replicated:
                findings.lost_as_announced.append(self._finding(what))
            elif self.wanted:
                findings.lost.append(self._finding(what))
            else:
                findings.returned.append(self._finding(what))

    def _finding(self, what: str) -> Finding:
        return Finding(self.promise.id, self.promise.author, self.promise.kind, what)


def promised_changes(lines: Iterable[Acknowledged], load: str | None) -> list[Changed]:
    """What the last change of each thing promises, where one load (or any) made it."""
    last: dict[tuple[str, str, str], Acknowledged] = {}
    for line in lines:
        if line.kind in CHANGES:
            last[CHANGES[line.kind][0], line.author, line.id] = line
    return [
        Changed(line) for line in last.values() if line.replicated is not None and load in (None, line.load)
    ]
