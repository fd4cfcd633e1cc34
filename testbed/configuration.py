"""The live configuration from outside: what the source has, what each part goes by, and how it is changed.

A change is written to the store, where the parts read it. Where no store takes writes, or where somebody asks
for that, it is handed to the parts by their control endpoints; they give it to the store when it is back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from foundation.clock import stamp
from foundation.failure import Failure
from services.platform import keys
from services.platform.configuration.document import INITIAL, Document
from testbed.configured_stores import ConfiguredStores
from testbed.control import Unreachable
from testbed.inventory import Part

PATIENCE = 3.0
"""Seconds for a change to be in force everywhere; it takes half of one."""

POLL = 0.1
ANSWERS_WITHIN = 1.0
"""Seconds for a part to say by what it goes."""

Make = Callable[[Document, int], Document]
"""Makes the document after the newest one, with this version."""


@dataclass(frozen=True)
class Held:
    """By what a part goes."""

    document: Document
    former: Document | None
    since: float | None
    """When it came into force there (Unix seconds)."""
    refused: str
    """Why the part does not use a newer one that it has seen; empty when there is none."""
    unread_seconds: float | None
    """Since when it has not read the source; None: never so far."""


@dataclass
class Change:
    """A change that was made, and what became of it."""

    former: Document
    document: Document
    way: Literal["store", "direct", "both"]
    """Where it went: to the store, to each part, or to both."""
    written: float
    """When it was (Unix seconds)."""
    seconds: float | None = None
    """From then until it was in force on the last of the parts that have it; None: on none."""
    parts: list[str] = field(default_factory=list)
    """That go by it."""
    missing: dict[str, str] = field(default_factory=dict)
    """Those that do not, and why."""

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """By key, the value before and after."""
        return self.document.changes_since(self.former)


class LiveConfiguration:
    """The configuration of one site."""

    def __init__(self, site: ConfiguredStores) -> None:
        self._site = site

    @property
    def parts(self) -> list[Part]:
        """Those that go by it."""
        return [part for part in self._site.inventory.parts if part.kind == "service"]

    # --- what there is ---

    def stored(self, most: int = 1) -> list[Document]:
        """The newest documents of the source, the newest first; of a replica where no primary answers.
        Raises Failure when no store answers."""
        answers = [self._site.configurations_at(part, most) for part in self._site.stores]
        known = [documents for documents in answers if documents is not None]
        if not known:
            raise Failure("no store answers, so the versions of the configuration cannot be read", _SEE)
        return max(known, key=lambda documents: documents[0].version if documents else 0)

    def held(self, parts: Collection[Part] | None = None) -> dict[str, Held | None]:
        """By what each of these parts goes, or each there is; None for one that does not answer."""
        asked = self.parts if parts is None else parts
        with ThreadPoolExecutor(max(1, len(asked))) as together:
            answers = list(together.map(self._ask, asked))
        return {part.name: answer for part, answer in zip(asked, answers, strict=True)}

    def newest(self) -> Document:
        """The newest document: that of the primary, to which parts give what they were handed; without one
        the newest of any store or part. Raises Failure when nobody answers."""
        for part in self._primaries():
            if (stored := self._site.configurations_at(part)) is not None:
                return stored[0] if stored else INITIAL
        known = list(self._all_known(1))
        if not known and all(one is None for one in self.held().values()):
            raise Failure("neither a store nor a part answers", _SEE)
        return max([INITIAL, *known], key=lambda document: document.version)

    def version(self, number: int) -> Document:
        """The document of a version. Raises Failure when nobody has it."""
        if number == 0:
            return INITIAL
        known = {document.version: document for document in self._all_known()}
        if number not in known:
            there = f"{min(known)} to {max(known)}" if known else "none"
            raise Failure(f"nobody has version {number} of the configuration", f"there are: {there}")
        return known[number]

    def _all_known(self, most: int = keys.CONFIGURATIONS_KEPT) -> Iterable[Document]:
        try:
            yield from self.stored(most)
        except Failure:
            pass
        for one in self.held().values():
            yield from filter(None, (one.document, one.former) if one else ())

    # --- changing it ---

    def change(self, make: Make, direct: bool = False, patience: float = PATIENCE) -> Change:
        """Make a new version, and wait until it is in force everywhere, for `patience` seconds at most.

        `direct`: do not leave it to the parts to read it. Raises Failure when nobody answers, or when nobody
        takes it, since others are changing it, too.
        """
        change = self.begin(make, direct)
        waiting = self.parts
        held: dict[str, Held | None] = {}
        while True:
            held.update(self.held(waiting))
            waiting = [part for part in waiting if not _goes_by(held[part.name], change.document)]
            if not waiting or time.time() - change.written > patience:
                break
            time.sleep(POLL)
        change.parts = [part.name for part in self.parts if part not in waiting]
        times = [one.since for name in change.parts if (one := held[name]) is not None and one.since]
        change.seconds = max(0.0, max(times) - change.written) if times else None
        change.missing = {part.name: _why(held[part.name]) for part in waiting}
        return change

    def begin(self, make: Make, direct: bool = False) -> Change:
        """The same without waiting."""
        for _ in range(3):
            former = self.newest()
            document = make(former, former.version + 1)
            written = time.time()
            stored = self._store(document)
            if not stored and self._newer_than(former):
                continue  # somebody else made the same version meanwhile
            if stored and not direct:
                return Change(former, document, "store", written)
            if not self._hand(document) and not stored:
                raise Failure("no store takes writes and no part answers", _SEE)
            return Change(former, document, "both" if stored else "direct", written)
        raise Failure("others are changing the configuration at the same time", "try again")

    def force(self, identifier: str, values: Mapping[str, Any], by: str, reason: str) -> None:
        """Have a fault's values in force, whatever the schema says of them. Repeating it changes nothing."""
        if identifier in self.newest().faults:
            return

        def make(former: Document, version: int) -> Document:
            before = {name: former.values.get(name) for name in values}
            return former.next(
                *(version, now(), by, reason),
                values={**former.values, **values},
                faults={**former.faults, identifier: before},
                forced=True,
            )

        self.begin(make)

    def release(self, identifiers: Collection[str] | None, by: str, reason: str) -> None:
        """Undo what these faults forced, or all did; nothing where nothing is in force."""

        def make(former: Document, version: int) -> Document:
            values, faults = dict(former.values), dict(former.faults)
            for identifier in _named(former, identifiers):
                for name, before in faults.pop(identifier).items():
                    values.pop(name, None)
                    values |= {} if before is None else {name: before}
            return former.next(version, now(), by, reason, values=values, faults=faults)

        if _named(self.newest(), identifiers):
            self.begin(make)

    def is_forced(self, identifier: str) -> bool:
        """Whether what this fault forced is in the newest document."""
        return identifier in self.newest().faults

    def _store(self, document: Document) -> bool:
        """Write it to the primary, if there is one."""
        return any(self._site.write_configuration(part, document) for part in self._primaries())

    def _primaries(self) -> list[Part]:
        """The primary; of two that believe to be one the one that the sentinels name; or none."""
        primaries = [part for part in self._site.stores if self._site.store_role(part) == "primary"]
        if len(primaries) > 1:
            return [part for part in (self._site.agreed_primary(),) if part is not None]
        return primaries

    def _newer_than(self, former: Document) -> bool:
        try:
            return any(document.version > former.version for document in self.stored())
        except Failure:
            return False

    def _hand(self, document: Document) -> int:
        """Hand it to every part; returns how many took it."""

        def hand(part: Part) -> bool:
            try:
                control = self._site.control(part, ANSWERS_WITHIN)
                return control.ask("PUT", _PATH, {"document": document.text()}).status == 200
            except Unreachable:
                return False

        with ThreadPoolExecutor(len(self.parts)) as together:
            return sum(together.map(hand, self.parts))

    def _ask(self, part: Part) -> Held | None:
        try:
            row = self._site.control(part, ANSWERS_WITHIN).ask("GET", _PATH).json()
            former = Document.parse(row["former"]) if row["former"] else None
            document = Document.parse(row["document"])
            return Held(document, former, row["since"], row["refused"], row["unread_seconds"])
        except (Unreachable, ValueError, KeyError):
            return None


_PATH = "/-/configuration"
_SEE = "see: failwhale status"


def now() -> str:
    """The time of a document that is made now."""
    return stamp(time.time())


def _named(document: Document, identifiers: Collection[str] | None) -> list[str]:
    return [one for one in document.faults if identifiers is None or one in identifiers]


def _goes_by(held: Held | None, document: Document) -> bool:
    return held is not None and held.document.version >= document.version


def _why(held: Held | None) -> str:
    """Why a part does not go by a change."""
    if held is None:
        return "does not answer; it reads it when it starts"
    if held.refused:
        return f"has version {held.document.version}: {held.refused}"
    since = "never" if held.unread_seconds is None else f"{held.unread_seconds:.1f} s ago"
    return f"has version {held.document.version}, and read the store {since}"


def setting(values: Mapping[str, Any], by: str, reason: str | None, forced: bool = False) -> Make:
    """Sets keys; None: to their default. What a fault forced on them stays as it is set here."""

    def make(former: Document, version: int) -> Document:
        kept = {name: value for name, value in former.values.items() if name not in values}
        given = {name: value for name, value in values.items() if value is not None}
        faults = {
            identifier: rest
            for identifier, before in former.faults.items()
            if (rest := {name: value for name, value in before.items() if name not in values})
        }
        return former.next(
            *(version, now(), by, reason), values={**kept, **given}, faults=faults, forced=forced
        )

    return make


def restoring(wanted: Document, by: str, reason: str | None) -> Make:
    """Makes a version that says the same as an earlier one."""

    def make(former: Document, version: int) -> Document:
        return wanted.next(version, now(), by, reason, restores=wanted.version)

    return make
