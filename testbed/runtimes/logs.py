"""What the parts of a site have said, and what they say: what every runtime has in common there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import ClassVar

from testbed.runtimes.log_line import Line, in_order


class Logs(ABC):
    """The logs of some parts, or of one."""

    zone: ClassVar[tzinfo | None] = None
    """That the clocks of the parts are set to; None: that of this machine."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = parts

    def last(self, count: int | None, request: str | None) -> list[Line]:
        """The last `count` lines of each part (None: all), only those that mention the request if one is
        given; those of all parts by time."""
        return in_order(line for part in self.parts for line in self._last_of(part, count, request))

    def _last_of(self, part: str, count: int | None, request: str | None) -> Iterable[Line]:
        said = (Line(part, text, self.zone) for text in self._said(part, count if request is None else None))
        return deque((line for line in said if request is None or line.mentions(request)), maxlen=count)

    def follow(self, request: str | None) -> Iterator[Line]:
        """New lines as they are written, for ever."""
        for part, text in self._news():
            line = Line(part, text, self.zone)
            if request is None or line.mentions(request):
                yield line

    @abstractmethod
    def _said(self, part: str, last: int | None) -> Iterable[str]:
        """All lines so far, or at least the last ones."""

    @abstractmethod
    def _news(self) -> Iterator[tuple[str, str]]:
        """Part and line, from now on."""
