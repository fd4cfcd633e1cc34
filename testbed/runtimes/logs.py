"""What the parts of a site have said, and what they say: what every runtime has in common there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence


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
