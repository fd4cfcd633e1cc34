"""The write-ahead journal of chaos: every fault and how far it got, so that whoever comes next can undo it.

One file of NDJSON, each line on the disk before the step that it announces is taken. What the lines mean is a
pure function (`replay`); the file, its lock and the state in memory are the class `Journal`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from chaos.phase import Phase
from foundation.clock import parse, stamp
from foundation.deadline import left
from foundation.disk import is_full
from foundation.failure import Failure
from foundation.records import step_as_named_now
from foundation.verdict import Verdict

log = logging.getLogger(__name__)

KEPT_PAST = 100
"""How many faults that are over stay in the journal when it is compacted."""
_HOW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


# --- what is known about a fault ---


@dataclass(frozen=True)
class Order:
    """What was asked for. Times are Unix seconds."""

    id: str
    fault: str
    selector: str
    targets: tuple[str, ...]
    parameters: Mapping[str, Any]
    seconds: float
    at: float
    until: float
    seed: int
    until_by_machine: float | None = None
    """The limit by the machine's own clock, which nobody can set."""
    from_selector: str | None = None
    """Whose calls it is about, as a person said it; None: everybody's, or no calls at all."""
    callers: tuple[str, ...] = ()
    """The parts that this means."""
    reason: str = ""
    """Why, as somebody said; empty: nobody did."""
    asked_by: str = ""
    """Who asked for it; empty: that is not known."""
    stop_when: str = ""
    """The condition that ends it early; empty: nothing does."""

    def left(self) -> float:
        """Seconds until its limit, by the clock that says less; never more than was asked for."""
        return min(left(self.until, self.until_by_machine), self.seconds)


@dataclass(frozen=True)
class PartProgress:
    """How far a fault got on one part. Times are Unix seconds."""

    applied: float | None = None
    verified: Verdict = None
    """Whether its effect was seen."""
    verified_at: float | None = None
    evidence: str = ""
    """What was seen of its effect."""
    failed: str = ""
    """Why it could not be applied."""
    ceased: float | None = None
    """Since when it was in force no more although nobody of us had ended it."""
    reverting: float | None = None
    ended_by: str = ""
    reverted: float | None = None
    unknown: float | None = None
    end_evidence: str = ""
    """What was seen at its end, or kept from seeing it."""

    @property
    def phase(self) -> Phase:
        """What all of that adds up to."""
        if self.unknown is not None:
            return Phase.UNKNOWN
        if self.reverted is not None:
            return Phase.REVERTED if self.ceased is None else Phase.CEASED
        if self.reverting is not None or self.ceased is not None:
            return Phase.REVERTING
        if self.applied is None:
            return Phase.REQUESTED
        return Phase.VERIFIED if self.verified else Phase.APPLIED


@dataclass(frozen=True)
class Entry:
    """A fault: the order and its progress on each part."""

    order: Order
    progress: Mapping[str, PartProgress]
    ended_by: str = ""
    """Who ended it before its time."""

    @property
    def over(self) -> bool:
        """Every part was seen to be free of it."""
        return all(one.phase.is_over for one in self.progress.values())

    @property
    def settled(self) -> bool:
        """Nothing more happens to it by itself: it is over, or given up as unknown."""
        return all(one.phase.is_settled for one in self.progress.values())


@dataclass(frozen=True)
class Book:
    """All that the journal says: faults by id in order of request, and whether new ones are blocked."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    blocked: bool = False


# --- lines ---


def replay(lines: Iterable[bytes]) -> Book:
    """The meaning of the lines. One that is torn by a crash or refers to nothing is passed over."""
    book = Book()
    for line in lines:
        record = _read(line)
        if record is not None:
            book = _follow(book, record)
    return book


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _follow(book: Book, record: Mapping[str, Any]) -> Book:
    """The book after one more record; the same book when the record is malformed or refers to nothing."""
    try:
        event = record["event"]
        if event in ("blocked", "unblocked"):
            return replace(book, blocked=event == "blocked")
        entry = _requested(record) if event == "requested" else _advance(book.entries[record["id"]], record)
    except (KeyError, TypeError, ValueError):
        return book
    return replace(book, entries={**book.entries, entry.order.id: entry})


def _requested(record: Mapping[str, Any]) -> Entry:
    by_machine, callers = record.get("until_by_machine"), record.get("from_selector")
    order = Order(
        id=str(record["id"]),
        fault=str(record["fault"]),
        selector=str(record["selector"]),
        targets=tuple(map(str, record["targets"])),
        parameters=dict(record["parameters"]),
        seconds=float(record["seconds"]),
        at=parse(record["at"]),
        until=parse(record["until"]),
        seed=int(record["seed"]),
        until_by_machine=None if by_machine is None else float(by_machine),
        from_selector=None if callers is None else str(callers),
        callers=tuple(map(str, record.get("callers", ()))),
        reason=str(record.get("reason", "")),
        asked_by=str(record.get("asked_by", "")),
        stop_when=str(record.get("stop_when", "")),
    )
    return Entry(order, {target: PartProgress() for target in order.targets})


def _advance(entry: Entry, record: Mapping[str, Any]) -> Entry:
    event, record = step_as_named_now(record["event"], record)
    if event == "ended":
        return replace(entry, ended_by=entry.ended_by or str(record["by"]))
    before = entry.progress[record["target"]]
    match event:
        case "applied":
            after = replace(before, applied=parse(record["at"]))
        case "verified":
            verified, seen = record["verified"], str(record["evidence"])
            since = before.verified_at or (parse(record["at"]) if verified else None)
            after = replace(before, verified=verified, verified_at=since, evidence=seen)
        case "failed":
            after = replace(before, failed=str(record["why"]))
        case "ceased":
            since, seen = before.ceased or parse(record["at"]), str(record["evidence"])
            after = replace(before, ceased=since, end_evidence=seen)
        case "reverting":
            since, by = before.reverting or parse(record["at"]), str(record["ended_by"])
            after = replace(before, reverting=since, ended_by=by)
        case "reverted":
            at, seen = parse(record["at"]), str(record["evidence"])
            after = replace(before, reverted=at, unknown=None, end_evidence=seen)
        case "unknown":
            at, seen = parse(record["at"]), str(record["evidence"])
            after = replace(before, unknown=at, reverted=None, end_evidence=seen)
        case _:
            return entry
    return replace(entry, progress={**entry.progress, record["target"]: after})


def compact(lines: Iterable[bytes], kept_past: int = KEPT_PAST) -> list[bytes]:
    """The lines that still matter: of faults that are not over, of the last ones that are, and the block."""
    lines = list(lines)
    book = replay(lines)
    over = [entry.order.id for entry in book.entries.values() if entry.over]
    dropped = set(over[: max(0, len(over) - kept_past)])
    kept = []
    for line in lines:
        identifier = (_read(line) or {}).get("id")
        if identifier in book.entries and identifier not in dropped:
            kept.append(line.rstrip(b"\n") + b"\n")
    if book.blocked:
        kept.append(_line({"at": stamp(time.time()), "event": "blocked"}))
    return kept


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


# --- the file ---


def read(path: Path) -> Book:
    """What the journal at this path says, whoever holds it; an empty book when there is none."""
    return replay(path.read_bytes().splitlines() if path.exists() else [])


class Busy(Failure):
    """Somebody else holds the journal: there is one controller at a time."""


class Journal:
    """The journal of one site, held by one process at a time. Safe to use from several threads."""

    def __init__(self, path: Path, lock: int) -> None:
        """Use `open`."""
        self._path = path
        self._lock = lock
        self._turn = threading.Lock()
        self._unwritten: list[bytes] = []
        """Lines for which there was no room yet."""
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        self.book = replay(lines)
        """What the journal says now."""
        self._file = os.open(path, _HOW, 0o644)
        try:
            self._compact()
        except OSError:  # a full disk: what was begun must be ended all the same
            log.exception("%s cannot be written anew", path)
            os.ftruncate(self._file, sum(len(line) for line in lines if line.endswith(b"\n")))

    @classmethod
    def open(cls, path: Path, patience: float = 0.0) -> Self:
        """Take the journal, waiting up to `patience` seconds for its holder. Raises Busy after that."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= end:
                    os.close(lock)
                    raise Busy(
                        "another process holds the journal of faults", "see: failwhale status"
                    ) from None
                time.sleep(0.02)
            else:
                return cls(path, lock)

    def begin(self, order: Order) -> None:
        """Write down what is about to be done. Raises OSError: then it must not be done."""
        with self._turn:
            self._write_what_is_left()
            if self.is_without_room:
                raise OSError(errno.ENOSPC, "there is next to no room left", str(self._path.parent))
            if len(self.book.entries) >= 2 * KEPT_PAST:
                self._compact()
            record = {
                **asdict(order),
                "at": stamp(order.at),
                "event": "requested",
                "until": stamp(order.until),
            }
            self._write(_line(record))
            self.book = _follow(self.book, record)

    def note(self, event: str, **fields: Any) -> None:
        """Write down what was done. Where there is no room it is written later: what was done is done."""
        with self._turn:
            record = {"at": stamp(time.time()), "event": event, **fields}
            self._unwritten.append(_line(record))
            try:
                self._write_what_is_left()
            except OSError:
                log.exception("the journal lacks, until there is room: %s", record)
            self.book = _follow(self.book, record)

    @property
    def is_without_room(self) -> bool:
        """Whether its disk is full."""
        return is_full(self._path.parent)

    def catch_up(self) -> bool:
        """Write what there was no room for. Returns whether the file says all that is known."""
        with self._turn:
            try:
                self._write_what_is_left()
            except OSError:
                return False
            return True

    def _compact(self) -> None:
        """Write the file anew with what matters. Until the new one is in its place, the old one is in use."""
        kept = compact(self._path.read_bytes().splitlines(keepends=True), KEPT_PAST)
        old, self._file = self._file, _replace(self._path, kept)
        os.close(old)
        self.book = replay(kept)
        _sync_folder(self._path.parent)

    def _write_what_is_left(self) -> None:
        while self._unwritten:
            self._write(self._unwritten[0])
            del self._unwritten[0]

    def _write(self, line: bytes) -> None:
        before = os.fstat(self._file).st_size
        try:
            _write_all(self._file, line)
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, before)  # half a line must not be joined by the next one
            raise

    def close(self) -> None:
        """Let another process have the journal."""
        os.close(self._file)
        os.close(self._lock)


def _replace(path: Path, lines: Iterable[bytes]) -> int:
    """Replace a file so that after a crash it is the old one or the new one; returns it, open to append."""
    new = path.with_suffix(".new")
    file = os.open(new, _HOW | os.O_TRUNC, 0o644)
    try:
        _write_all(file, b"".join(lines))
        os.fsync(file)
        new.replace(path)
    except BaseException:
        os.close(file)
        new.unlink(missing_ok=True)
        raise
    return file


def _write_all(file: int, content: bytes) -> None:
    """Raises OSError when the file does not take all of it."""
    written = os.write(file, content)
    if written < len(content):
        raise OSError(errno.ENOSPC, f"only {written} of {len(content)} bytes could be written")


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
