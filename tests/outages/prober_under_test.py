"""A prober that runs in the loop of a test, in front of a fake site."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from fake_site import FakeSite

from foundation.clock import parse
from foundation.ledger import Record
from outages.client import trusting
from outages.edges import PublicEdge
from outages.prober import Prober

Until = Callable[..., Awaitable[None]]


async def until(condition: Callable[[], object], what: str = "the condition", seconds: float = 40) -> None:
    """Wait for a condition; fail naming it."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.02)


class Running:
    """A prober that runs in this loop."""

    def __init__(self, site: FakeSite, record: Path) -> None:
        self.site = site
        self.record = record
        edges = {name: PublicEdge(name, url) for name, url in site.edges.items()}
        self.prober = Prober(edges, trusting(site.authority.file), record)
        self.task = asyncio.create_task(self.prober.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def again(self) -> Running:
        """Stop it and start another one with the same record."""
        await self.stop()
        return Running(self.site, self.record)

    def in_state(self, state: str) -> set[str]:
        return {name for name, row in self.prober.rows().items() if row["state"] == state}

    def down(self) -> set[str]:
        return self.in_state("down")

    def opened(self) -> list[Record]:
        return [record for record in self.prober.ledger.read() if record["kind"] == "outage.opened"]

    def closed(self) -> list[Record]:
        """Closed outages with their times as Unix seconds."""
        return [
            {**record, "start": parse(record["start"]), "end": parse(record["end"])}
            for record in self.prober.ledger.read()
            if record["kind"] == "outage.closed"
        ]

    def not_green(self) -> set[str]:
        return {name for name, row in self.prober.rows().items() if row["state"] != "green"}

    async def all_green(self, seconds: float = 40) -> None:
        try:
            await until(lambda: not self.not_green(), "every journey green", seconds)
        except AssertionError:
            red = {name: self.prober.rows()[name] for name in self.not_green()}
            raise AssertionError(f"not green: {red}") from None

    async def everybody_tries_again(self, times: int = 2) -> None:
        """Until each journey has made some attempts from here on, whatever they said."""

        def tried() -> dict[str, int]:
            return {name: probe.attempts + probe.said_nothing for name, probe in self.prober.probes.items()}

        before = tried()
        await until(
            lambda: all(now >= before[name] + times for name, now in tried().items()), "more attempts"
        )
