"""The record of what the site has acknowledged: what it has promised to keep.

One line of JSON for each, written before anything else is done with the answer, and a line for whatever else
tells what may be there: a post before it is sent, one that was refused, a look that missed something.

    {"at": "2026-01-31T12:00:00.123456Z", "load": "9f2c", "kind": "post", "id": "123", "author": "ann",
     "text": "...", "replicated": true}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

POST = "post"

CHANGES = {
    "like": ("like", True),
    "retweet": ("retweet", True),
    "undo-retweet": ("retweet", False),
    "follow": ("follow", True),
    "protect": ("protect", True),
    "unprotect": ("protect", False),
    "revoke": ("revoke", True),
}
"""The kinds of lines about changes: which state each changes, and whether it is on afterwards."""

SENT = "post-sent"
"""A post is about to be sent. Without an acknowledgement or a refusal after it, it may be there or not."""

REFUSED = "post-refused"
"""The site said that it did not take a post."""

UNSEEN = "unseen"
"""A session did not see what it had written itself before it looked."""

GONE = "gone"
"""A session did not see what it had seen before, on the same timeline."""

NO_PROMISES = frozenset({SENT, REFUSED, UNSEEN, GONE})
"""The kinds of lines that promise nothing. `replicated` is null in them."""


_KINDS = frozenset({POST, *CHANGES, *NO_PROMISES})


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A post that the site said it has, or a change of `kind` that it said it has made.

    `id` is what it is about: a post, the name of somebody who is followed, a session; of a post that was
    only sent or refused it is empty. `author` did it. `text` is that of a post; of a session that was ended
    it is the token, which must not be good for anything; of a look that missed something it is where that
    was looked for, a timeline or a kind of change, and then `at` is when the look began. `replicated` is
    what the site said about its replica; None where its answer did not arrive or was an error, so that the
    change may have been made or not.
    """

    id: str
    author: str
    text: str
    replicated: bool | None
    load: str = ""
    at: str = ""
    kind: str = POST


def stamp() -> str:
    """Now, as the record tells times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Record:
    """Appends to the record. A line is one write with O_APPEND, so two loads may write at the same time."""

    def __init__(self, path: Path, load: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.load = load
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def add(
        self,
        subject: str,
        author: str,
        text: str,
        replicated: bool | None,
        *,
        kind: str = POST,
        at: str | None = None,
    ) -> None:
        """A post, or a line of another kind; `at` is now unless it is given."""
        line = asdict(Acknowledged(subject, author, text, replicated, self.load, at or stamp(), kind))
        os.write(self._file, json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


class TornRecord(Exception):
    """A line of the record is not whole, so it is not known what was acknowledged."""


def read(path: Path, load: str | None = None) -> Iterator[Acknowledged]:
    """The posts that were acknowledged, of one load or of all. Raises TornRecord, and OSError without a
    record."""
    return posts_of(read_all(path), load)


def posts_of(lines: Iterable[Acknowledged], load: str | None) -> Iterator[Acknowledged]:
    """The posts among these lines that were acknowledged, of one load or of all."""
    return (line for line in lines if line.kind == POST and load in (None, line.load))


def read_all(path: Path) -> Iterator[Acknowledged]:
    """Every line, in the order in which they were written. Raises as `read` does."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                found = Acknowledged(**json.loads(line))
                if found.kind not in _KINDS:
                    raise ValueError(found.kind)
            except (ValueError, TypeError):
                raise TornRecord(f"line {number} of {path} is not whole") from None
            yield found
