"""An event loop whose time passes only when everybody waits, and then at once."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from foundation.clock import Clock


class _Hurried(selectors.DefaultSelector):
    """Waits for nothing that is not there already, and tells the loop how long it would have waited."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.passed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Seconds since its beginning."""

    def __init__(self) -> None:
        self._hurried = _Hurried()
        super().__init__(self._hurried)

    def time(self) -> float:
        return self._hurried.passed

    def stand_still(self, seconds: float) -> None:
        """Time passes in which nothing of this process runs."""
        self._hurried.passed += seconds


class VirtualClock(Clock):
    """The clock of a loop. Its wall clock began at 1000."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._offset = 1000.0

    def now(self) -> float:
        return self._loop.time()


def play(scene: Any, monkeypatch: pytest.MonkeyPatch, *args: Any, **more: Any) -> Any:
    """Run a coroutine function on a loop of its own; it is given the loop, and what else it takes."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        with monkeypatch.context() as patched:
            patched.setattr(time, "monotonic", loop.time)
            coroutine: Coroutine[Any, Any, Any] = scene(loop, *args, **more)
            return runner.run(coroutine)
