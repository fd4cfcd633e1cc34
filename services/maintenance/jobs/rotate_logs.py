"""rotate-logs: what parts write into files is bounded, on plain processes.

In containers parts write to the engine, and docker-compose.yml says how much of it that keeps.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from services.maintenance.job import Context, Job
from services.platform.settings import Settings

MOST_BYTES = 500_000
"""A log with more is put aside, in place of the one that was before, and begins anew."""

_COPIED_AT_ONCE = 1 << 20


class RotateLogs(Job):
    name = "rotate-logs"
    every_days = 1 / 24
    needs_store = False  # which may be what a disk full of logs keeps from taking anything
    grows: ClassVar[Mapping[str, str]] = {"logs_bytes": "All logs together."}

    def is_for(self, settings: Settings) -> bool:
        return _folder(settings) is not None

    async def run(self, context: Context) -> str:
        folder = _folder(context.settings)
        assert folder is not None, "is_for says that there is one"
        with _lock(folder) as is_ours:
            return rotate_long(folder) if is_ours else "another part is about it"

    async def measure(self, context: Context) -> Mapping[str, float]:
        folder = _folder(context.settings)
        files = folder.iterdir() if folder is not None else ()
        return {"logs_bytes": sum(path.stat().st_size for path in files)}


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Keep every other part from these logs until the block ends; whether that could be had."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(opened)


def rotate_long(folder: Path) -> str:
    """Rotate all logs that are too long; what was done."""
    long = [path for path in sorted(folder.glob("*.log")) if path.stat().st_size > MOST_BYTES]
    cut = [path for path in long if not rotate(path)]
    done = f"logs put aside: {len(long) - len(cut)}"
    return f"{done}; cut, since the disk is full: {len(cut)}" if cut else done


def rotate(path: Path) -> bool:
    """Put what is in a log aside and empty it, while a part goes on to append to it: the part has it open, so
    that it cannot be renamed. What is written between the end of the copy and the cut is lost, if any is.

    On a full disk nothing can be put aside, and room is what everybody needs: then all of the log goes, and
    what was put aside before. Returns whether it was put aside. Raises OSError for all else."""
    aside = path.with_name(f"{path.name}.1")
    fresh = path.with_name(f"{path.name}.new")
    try:
        _put_aside(path, fresh, aside)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        aside.unlink(missing_ok=True)
        os.truncate(path, 0)
        return False
    return True


def _put_aside(path: Path, fresh: Path, aside: Path) -> None:
    with path.open("rb") as log, fresh.open("wb") as copy:
        while piece := log.read(_COPIED_AT_ONCE):
            copy.write(piece)
        fresh.rename(aside)
        while piece := log.read(_COPIED_AT_ONCE):
            copy.write(piece)
        os.truncate(path, 0)


def _folder(settings: Settings) -> Path | None:
    """Where the parts' logs are files: below the state folder, of which only plain processes know."""
    state = settings.extra.get("FAILWHALE_STATE")
    return Path(state) / "logs" if state else None
