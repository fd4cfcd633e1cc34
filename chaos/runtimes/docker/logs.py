"""The logs of containers: the engine keeps them, and tells them to whoever follows."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Queue

from chaos.runtimes.docker.connection import Connection, connection_to
from failwhale.logs import Logs
from failwhale.names import unknown
from failwhale.state import State


class ContainerLogs(Logs):
    """The logs of one part or of all, those that have ended included."""

    def __init__(self, state: State, part: str | None, connection: Connection | None = None) -> None:
        """Raises Failure for an unknown part. `connection` is for tests."""
        site = state.site()
        self._engine = connection or connection_to(site["engine"])
        self._containers = {row["name"]: row["container"] for row in site["parts"]}
        if part is not None and part not in self._containers:
            raise unknown("part", part, self._containers)
        super().__init__([*self._containers] if part is None else [part])

    def _said(self, part: str, last: int | None) -> Iterable[str]:
        return self._engine.log(self._containers[part], last).splitlines()

    def _news(self) -> Iterator[tuple[str, str]]:
        """One thread for each part, since each is told on a connection of its own."""
        news: Queue[tuple[str, str]] = Queue()
        for part in self._parts:
            threading.Thread(target=self._listen, args=(part, news), daemon=True).start()
        while True:
            yield news.get()

    def _listen(self, part: str, news: Queue[tuple[str, str]]) -> None:
        """Until it ends, whole lines only."""
        begun = b""
        for piece in self._engine.follow(self._containers[part]):
            *lines, begun = (begun + piece).split(b"\n")
            for line in lines:
                news.put((part, line.decode(errors="replace")))
