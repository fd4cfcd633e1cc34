"""Reading the parts' log files."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

from failwhale.failure import Failure
from failwhale.names import unknown
from failwhale.state import State

FOLLOW_SECONDS = 0.1


def log_files(state: State, part: str | None) -> dict[str, Path]:
    """Log file by part. Raises Failure that lists what exists when the part has none."""
    files = {path.stem: path for path in sorted(state.logs.glob("*.log"))}
    if not files:
        raise Failure(f"there are no logs in {state.logs}", "start the site: failwhale up")
    if part is None:
        return files
    if part not in files:
        raise unknown("log", part, files)
    return {part: files[part]}


def last_lines(files: Mapping[str, Path], count: int | None, request: str | None) -> Iterator[str]:
    """The last `count` lines of each file (None: all), only those that mention the request if one is
    given."""
    for part, path in files.items():
        with open(path, errors="replace") as file:
            wanted = (line.rstrip("\n") for line in file if request is None or request in line)
            for line in deque(wanted, maxlen=count):
                yield _prefixed(files, part, line)


def follow_logs(files: Mapping[str, Path], request: str | None) -> Iterator[str]:
    """New lines as they are written, for ever."""
    ends = {part: path.stat().st_size for part, path in files.items()}
    while True:
        for part, path in files.items():
            if path.exists() and path.stat().st_size > ends[part]:
                with open(path, "rb") as file:
                    file.seek(ends[part])
                    whole, _, _ = file.read().rpartition(b"\n")
                if whole:
                    ends[part] += len(whole) + 1
                    for line in whole.decode(errors="replace").split("\n"):
                        if request is None or request in line:
                            yield _prefixed(files, part, line)
        time.sleep(FOLLOW_SECONDS)


def _prefixed(files: Mapping[str, Path], part: str, line: str) -> str:
    width = max(map(len, files))
    return line if len(files) == 1 else f"{part:<{width}}  {line}"
