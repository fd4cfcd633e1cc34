"""Telling a person how a fault goes: a line for each step, and on a terminal a countdown below them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from failwhale.console import is_terminal, spell_duration, stderr
from outages.clock import parse

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """Says each step of one fault once, on stderr. A context manager, for the countdown."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = stderr()
        self._said: set[str] = set()
        self._status: Status | None = None

    def __enter__(self) -> Progress:
        if not self._quiet and is_terminal():
            self._status = self._console.status("asking the controller")
            self._status.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, fault: dict[str, Any]) -> None:
        """Say what is new, and how long it still takes."""
        if self._quiet:
            return
        for line in steps(fault):
            if line not in self._said:
                self._said.add(line)
                self._console.print(line, markup=False)
        if self._status is not None:
            left = parse(fault["until"]) - time.time()
            ending = left <= 0 or fault["reverted"] or fault["ended"]
            state = "healing" if ending else f"{spell_duration(left)} left (Ctrl-C ends it)"
            self._status.update(f"{fault['fault']} {fault['target']}: {state}")

    def say(self, line: str) -> None:
        """Any other line."""
        if not self._quiet:
            self._console.print(line, markup=False)


def steps(fault: dict[str, Any]) -> Iterator[str]:
    """A line for each step that was taken, in order."""
    begun = parse(fault["requested"])
    yield f"{fault['id']}: {fault['fault']} on {', '.join(_names(fault['targets']))}"
    for one in fault["targets"]:
        name = one["target"]
        if one["applied"]:
            yield f"  {_after(begun, one['applied'])} applied to {name}"
        if one["failed"]:
            yield f"          not applied to {name}: {one['failed']}"
        if one["evidence"]:
            word = {True: "proved", False: "NOT proved", None: "not proved yet"}[one["proved"]]
            yield f"          {word}: {one['evidence']}"
        if one["reverted"]:
            yield f"  {_after(begun, one['reverted'])} reverted on {name} by {one['by']}"
        if one["gone"] is not None:
            word = "gone" if one["gone"] else "UNKNOWN whether it is gone"
            yield f"          {word}: {one['why']}"


def _after(begun: float, moment: str) -> str:
    return f"{spell_duration(max(parse(moment) - begun, 0.0)):>7}"


def _names(targets: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in targets:
        yield one["target"]
