"""What a supervisor leaves on disk for the next one: which processes are its parts, and what it has
promised."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foundation.deadline import left
from testbed.runtimes import Undo
from testbed.runtimes.processes.identity import Process

BLOCK = 4096
"""Bytes. A file takes whole blocks of the disk, so that padding costs nothing."""


@dataclass
class Remembered:
    """One part. `wanted`: it should run, so a death is followed by a restart. `done`: a one-shot that
    succeeded."""

    process: Process | None = None
    wanted: bool = True
    done: bool = False
    restarts: int = 0

    def is_running(self) -> bool:
        return self.process is not None and self.process.is_alive()


@dataclass(frozen=True)
class Lease:
    """The promise to undo something at a moment. It must outlive the supervisor, so it is told in Unix
    seconds, and by the machine's own clock, which nobody can set."""

    part: str
    undo: Undo
    until: float
    until_by_machine: float | None = None
    share: float | None = None
    """Of one core, while it lasts; None: as much as there is."""

    def left(self) -> float:
        """Seconds until it is due, by the clock that says less."""
        return left(self.until, self.until_by_machine)


def read_parts(folder: Path) -> dict[str, Remembered]:
    """The parts by name; empty when no supervisor has been here."""
    parts = {}
    for name, row in _read(folder / "parts.json").items():
        process = row.pop("process")
        parts[name] = Remembered(process=Process(**process) if process else None, **row)
    return parts


def write_parts(folder: Path, parts: Mapping[str, Remembered]) -> None:
    _write(folder / "parts.json", {name: asdict(part) for name, part in parts.items()}, sync=False)


def read_leases(folder: Path) -> dict[str, Lease]:
    return {lease: Lease(**row) for lease, row in _read(folder / "leases.json").items()}


def write_leases(folder: Path, leases: Mapping[str, Lease]) -> None:
    """On return the promise is on the disk itself."""
    _write(folder / "leases.json", {lease: asdict(row) for lease, row in leases.items()}, sync=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    assert isinstance(content, dict)
    return content


def _write(path: Path, content: object, *, sync: bool) -> None:
    """Replace a file in one step: a reader, or the next supervisor, sees the old content or the new.

    Where there is no room for a second file, the old one is written over: it is padded, so that a content
    that has grown a little still finds its place. Raises OSError when that is not possible either.
    """
    text = json.dumps(content).encode()
    padded = text.ljust(-(-len(text) // BLOCK) * BLOCK)
    fresh = path.with_suffix(".new")
    try:
        _put(fresh, padded, os.O_TRUNC, sync=sync)
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        if not path.exists() or path.stat().st_size < len(padded):
            raise
        _put(path, padded.ljust(path.stat().st_size), 0, sync=sync)


def _put(path: Path, content: bytes, how: int, *, sync: bool) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o644)
    try:
        written = os.write(file, content)
        if written < len(content):
            raise OSError(errno.ENOSPC, f"only {written} of {len(content)} bytes could be written", str(path))
        if sync:
            os.fsync(file)
    finally:
        os.close(file)
