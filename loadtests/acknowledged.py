"""The record of acknowledged posts: what the site has promised to keep.

One line of JSON for each, written before anything else is done with the answer:

    {"at": "2026-01-31T12:00:00.123456Z", "load": "9f2c", "id": "123", "author": "ann", "text": "...",
     "replicated": true}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A post that the site said it has. `replicated` is what the site said about its replica."""

    id: str
    author: str
    text: str
    replicated: bool
    load: str = ""
    at: str = ""


class Record:
    """Appends to the record. A line is one write with O_APPEND, so two loads may write at the same time."""

    def __init__(self, path: Path, load: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._load = load
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def add(self, post: str, author: str, text: str, replicated: bool) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        line = asdict(Acknowledged(post, author, text, replicated, self._load, now))
        os.write(self._file, json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


class TornRecord(Exception):
    """A line of the record is not whole, so it is not known what was acknowledged."""


def read(path: Path, load: str | None = None) -> Iterator[Acknowledged]:
    """What was acknowledged, of one load or of all. Raises TornRecord, and OSError without a record."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                post = Acknowledged(**json.loads(line))
            except (ValueError, TypeError):
                raise TornRecord(f"line {number} of {path} is not whole") from None
            if load is None or post.load == load:
                yield post
