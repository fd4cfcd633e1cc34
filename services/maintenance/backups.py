"""Where backups lie, and which there are. Only what was tried out is one (see jobs/back_up_store.py)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from services.maintenance.job import Context, JobFailed

_STAMP = "store-%Y%m%dT%H%M%S.%fZ.rdb"


@dataclass(frozen=True)
class Backup:
    """A dump that was loaded and looked at after it was made."""

    path: Path
    made: float
    """Unix seconds: it has what the store had then."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """By the name of its file. Raises ValueError for another file."""
        return cls(path, datetime.strptime(path.name, _STAMP).replace(tzinfo=UTC).timestamp())

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        """In bytes."""
        return self.path.stat().st_size


def folder_of(context: Context) -> Path:
    """Where backups lie. Raises JobFailed where nobody gets there."""
    if (fault := context.faults.of("backups-unreachable")) is not None:
        context.faults.hit(fault)
        raise JobFailed("the place where backups lie cannot be reached")
    return context.settings.folder("MAINTENANCE") / "backups"


def file_name(made: datetime) -> str:
    """Of the backup that was made at this moment."""
    return f"{made:{_STAMP}}"


def all_in(folder: Path) -> list[Backup]:
    """The oldest first."""
    return [Backup.of(path) for path in sorted(folder.glob("store-*.rdb"))]
