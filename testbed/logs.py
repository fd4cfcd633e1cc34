"""What the parts have said, and what they say: from files, or wherever the runtime keeps it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from foundation.failure import Failure
from foundation.names import unknown
from foundation.state import State

FOLLOW_SECONDS = 0.1


class Logs(ABC):
    """The logs of some parts, or of one."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = parts

    def last(self, count: int | None, request: str | None) -> Iterator[str]:
        """The last `count` lines of each part (None: all), only those that mention the request if one is
        given."""
        for part in self._parts:
            said = self._said(part, count if request is None else None)
            for line in deque((line for line in said if request is None or request in line), maxlen=count):
                yield self._prefixed(part, line)

    def follow(self, request: str | None) -> Iterator[str]:
        """New lines as they are written, for ever."""
        for part, line in self._news():
            if request is None or request in line:
                yield self._prefixed(part, line)

    @abstractmethod
    def _said(self, part: str, last: int | None) -> Iterable[str]:
        """All lines so far, or at least the last ones."""

    @abstractmethod
    def _news(self) -> Iterator[tuple[str, str]]:
        """Part and line, from now on."""

    def _prefixed(self, part: str, line: str) -> str:
        width = max(map(len, self._parts))
        return line if len(self._parts) == 1 else f"{part:<{width}}  {line}"


def logs_of(state: State, part: str | None) -> Logs:
    """The logs of one part, or of all. Raises Failure that lists what exists when the part has none."""
    if state.is_made and state.site()["runtime"] == "docker":
        from testbed.runtimes.docker.logs import ContainerLogs

        return ContainerLogs(state, part)
    files = {path.stem: path for path in sorted(state.logs.glob("*.log"))}
    if not files:
        raise Failure(f"there are no logs in {state.logs}", "start the site: failwhale up")
    if part is not None and part not in files:
        raise unknown("log", part, files)
    return FileLogs(files if part is None else {part: files[part]})


class FileLogs(Logs):
    """Logs that are files."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(list(files))
        self._files = files

    def _said(self, part: str, last: int | None) -> Iterable[str]:
        with open(self._files[part], errors="replace") as file:
            for line in file:
                yield line.rstrip("\n")

    def _news(self) -> Iterator[tuple[str, str]]:
        ends = {part: path.stat().st_size for part, path in self._files.items()}
        while True:
            for part, path in self._files.items():
                if path.exists() and path.stat().st_size > ends[part]:
                    with open(path, "rb") as file:
                        file.seek(ends[part])
                        whole, _, _ = file.read().rpartition(b"\n")
                    if whole:
                        ends[part] += len(whole) + 1
                        yield from ((part, line) for line in whole.decode(errors="replace").split("\n"))
            time.sleep(FOLLOW_SECONDS)
