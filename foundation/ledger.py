"""The ledger: what happened, by ground truth. Append-only NDJSON that several processes write.

    {"at": "2026-01-31T12:00:00.123456Z", "kind": "fault.applied", "fault": "f-3", "target": "post@east",
     "up": 5025.123456, "boot": "3f2a9c1e"}

`at` is the wall clock, which may be set at any moment; `up` the seconds since the machine was started, which
nobody can set, and `boot` tells one start from another. All times in one record are by the wall clock as it
was set when the record was written, so with `up` a reader can put the records of all writers on one scale.

A line is one `write` to a file opened with O_APPEND, so the lines of two writers never mix. A writer that is
killed in the middle of a line leaves a torn one; the reader skips it, and finds the good line glued to it.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from foundation.clock import Clock

Record = dict[str, Any]

START_OF_RECORD = b'{"at":'
"""How every line begins. Inside a JSON string these bytes are escaped, so they also find a glued line."""

LOOK_BACK = 1 << 20
"""Bytes. A site of which every journey fails writes so much in some minutes."""


class Ledger:
    """Appends records to one file and reads them. The folder is created when the first record is written."""

    def __init__(self, path: Path | str, clock: Clock | None = None) -> None:
        """`clock` is what the other times in the records are told by; without one there are none."""
        self.path = Path(path)
        self._clock = clock
        self._file: int | None = None

    def append(self, kind: str, **fields: Any) -> Record:
        """Write one record and return it. `at` is now unless given. Raises OSError when the disk refuses."""
        record = self.record(kind, fields)
        self.write(record)
        return record

    def record(self, kind: str, fields: Record) -> Record:
        """A record that is made now, unless `fields` say `at`; it is not written yet."""
        if "at" in fields:
            return {"at": fields.pop("at"), "kind": kind, **fields}
        made = (self._clock or Clock()).reading()
        return {"at": made.pop("at"), "kind": kind, **fields, **made}

    def write(self, record: Record) -> None:
        """Write one record as a line. Raises OSError when the disk refuses."""
        line = json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n"
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        written = os.write(self._file, line)
        if written < len(line):  # on a full disk; what is torn, the reader skips
            raise OSError(
                errno.ENOSPC, f"only {written} of {len(line)} bytes could be written", str(self.path)
            )

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def read(self) -> Iterator[Record]:
        """Every whole record from the beginning; none when there is no file. Never raises on bad lines."""
        yield from Tail(self.path).new()

    def latest(self) -> Iterator[Record]:
        """The records at the end of the file, the newest first, as far as LOOK_BACK goes."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LOOK_BACK))
                lines = file.read().splitlines()
        except FileNotFoundError:
            return
        yield from filter(None, map(parse_line, reversed(lines)))

    def follow(self, stop: Callable[[], bool] = lambda: False, poll: float = 0.1) -> Iterator[Record]:
        """Every record from the beginning, then those that arrive, until `stop`. `poll` is in seconds."""
        tail = Tail(self.path)
        while not stop():
            arrived = list(tail.new())
            yield from arrived
            if not arrived:
                time.sleep(poll)


class Tail:
    """Reads what was appended since the last call; a line without its end is left for the next call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def skip(self) -> None:
        """Pass over what is there already."""
        if self.path.exists():
            self._offset = self.path.stat().st_size

    def new(self) -> Iterator[Record]:
        """Records appended since the last call, in the order of the file."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset = 0  # another file under the same name: purged and begun anew
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    self._offset += len(line)
                    record = parse_line(line)
                    if record is not None:
                        yield record
        except FileNotFoundError:
            return


def parse_line(line: bytes) -> Record | None:
    """The record of a line, or the whole one at the end of a torn line, or None."""
    for start in (0, line.rfind(START_OF_RECORD)):
        try:
            record = json.loads(line[start:]) if start >= 0 else None
        except ValueError:
            continue
        if (
            isinstance(record, dict)
            and isinstance(record.get("at"), str)
            and isinstance(record.get("kind"), str)
        ):
            return record
    return None
