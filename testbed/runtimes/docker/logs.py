"""The logs of containers: the engine keeps them, and tells them to whoever follows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from queue import Queue

from foundation.failure import Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.runtimes.docker.connection import EngineConnection, connection_to
from testbed.runtimes.logs import Logs
from testbed.sitefile import SiteFile

RETURN_SECONDS = 0.5
"""Between two looks whether a container that ended is back."""


class ContainerLogs(Logs):
    """The logs of one part or of all, those that have ended included."""

    zone = UTC

    def __init__(self, state: State, part: str | None, connection: EngineConnection | None = None) -> None:
        """Raises Failure for an unknown part. `connection` is for tests."""
        site = SiteFile.read(state)
        self._engine = connection or connection_to(site.as_containers.engine)
        self._containers = {row.name: row.container for row in site.parts if row.container}
        if part is not None and part not in self._containers:
            raise unknown("part", part, self._containers)
        super().__init__([*self._containers] if part is None else [part])

    def _said(self, part: str, last: int | None) -> Iterable[str]:
        return self._engine.log(self._containers[part], last).splitlines()

    def _news(self) -> Iterator[tuple[str, str]]:
        """One thread for each part, since each is told on a connection of its own."""
        news: Queue[tuple[str, str] | Failure] = Queue()
        for part in self.parts:
            threading.Thread(target=self._listen, args=(part, news), daemon=True).start()
        while True:
            line = news.get()
            if isinstance(line, Failure):
                raise line
            yield line

    def _listen(self, part: str, news: Queue[tuple[str, str] | Failure]) -> None:
        """Whole lines only. What is told ends with the container, and goes on when it is back."""
        since = None
        try:
            while True:
                begun = b""
                for piece in self._engine.follow(self._containers[part], since):
                    *lines, begun = (begun + piece).split(b"\n")
                    for line in lines:
                        news.put((part, line.decode(errors="replace")))
                since = self._next_start(part)
        except Failure as failure:
            news.put(failure)

    def _next_start(self, part: str) -> float:
        while not (now := self._engine.container(self._containers[part])["State"])["Running"]:
            time.sleep(RETURN_SECONDS)
        return datetime.fromisoformat(now["StartedAt"]).timestamp()
