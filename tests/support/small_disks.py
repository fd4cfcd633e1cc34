"""A disk without room, for what must go on all the same (the fixture `small_disk` makes one)."""

from __future__ import annotations

from pathlib import Path


def fill(folder: Path) -> None:
    """Take all the room that there is; also what somebody else made free meanwhile, as Redis does when it
    gives up a file."""
    with (folder / "ballast").open("ab", buffering=0) as ballast:
        for size in (65536, 1):
            try:
                while ballast.write(b"\0" * size):
                    pass
            except OSError:
                pass
