"""What an incident does, as its file has it: injections on a timeline, and a release.

Values are written as on the command line. An injection begins when the one before it is verified, and not
before `at`, which counts from the beginning of the incident. A release is rolled out first, stays for so
long once it is everywhere, and is rolled back.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.catalogue import fault_named
from chaos.injector import Request
from foundation.console import duration
from testbed.decoding import WRITTEN


@dataclass(frozen=True)
class PlannedInjection:
    """One use of a fault, as it is written."""

    fault: str
    target: str
    lasts: str = field(metadata={WRITTEN: "for"})
    parameters: Mapping[str, str] = field(default_factory=dict)
    from_selector: str | None = field(default=None, metadata={WRITTEN: "from"})
    at: str | None = None
    ends_by_itself: bool = field(default=False, metadata={WRITTEN: "ends-by-itself"})
    """It lasts no longer where something else is to end the incident: its end is a part of the story."""

    @property
    def begins(self) -> float:
        """Seconds after the beginning of its incident."""
        return duration(self.at) if self.at else 0.0

    def request(self) -> Request:
        """What the controller is asked for. Raises Failure for what cannot be."""
        fault = fault_named(self.fault)
        parameters = {name: fault.parameter(name).read(text) for name, text in self.parameters.items()}
        return Request(
            self.fault, self.target, duration(self.lasts), parameters, from_selector=self.from_selector
        )

    def command(self, *, detach: bool = False) -> str:
        """What a person would type for it."""
        fault = fault_named(self.fault)
        options = [
            word for name, text in self.parameters.items() for word in (fault.parameter(name).flag, text)
        ]
        if self.from_selector:
            options += ["--from", self.from_selector]
        words = ["failwhale", "chaos", self.fault, self.target, *options, "--for", self.lasts]
        return shlex.join([*words, "--detach"] if detach else words)


@dataclass(frozen=True)
class PlannedRelease:
    """A release that is rolled out and rolled back, as it is written."""

    version: str
    target: str
    lasts: str = field(metadata={WRITTEN: "for"})

    @property
    def commands(self) -> tuple[str, str]:
        """What a person would type for its beginning and its end."""
        there = shlex.join(["failwhale", "release", "roll-out", self.version, self.target])
        return there, shlex.join(["failwhale", "release", "roll-back", self.target])
