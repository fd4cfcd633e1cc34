"""Acts: something to break, in which order, and what a person should look for. Read from YAML.

    acts:
      - title: One replica of two dies
        look-for: hardly anybody notices
        injections:
          - {fault: kill, target: post@east, for: 4s}
          - {at: 2s, fault: latency, target: post@west, parameters: {delay: 500ms}, for: 1s}
      - title: A bad release goes to every replica
        look-for: errors begin with the roll-out and end with the roll-back
        release: {version: 1.2-posts-fail, target: "post:all", for: 4s}

Values are written as on the command line. An injection begins when the one before it is verified, and not
before `at`, which counts from the beginning of its act. The act lasts until the last of them is over. A
release is rolled out, stays for so long, and is rolled back.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from chaos.catalogue import fault_named
from chaos.injector import Request
from foundation.console import duration
from foundation.failure import USAGE, Failure
from testbed.decoding import WRITTEN, Misfit, decode
from testbed.roll_out import release_named


@dataclass(frozen=True)
class PlannedInjection:
    """One use of a fault, as it is written."""

    fault: str
    target: str
    lasts: str = field(metadata={WRITTEN: "for"})
    parameters: Mapping[str, str] = field(default_factory=dict)
    from_selector: str | None = field(default=None, metadata={WRITTEN: "from"})
    at: str | None = None

    @property
    def begins(self) -> float:
        """Seconds after the beginning of its act."""
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


@dataclass(frozen=True)
class Act:
    """Injections on one timeline, or a release."""

    title: str
    look_for: str = field(metadata={WRITTEN: "look-for"})
    injections: tuple[PlannedInjection, ...] = ()
    release: PlannedRelease | None = None


@dataclass(frozen=True)
class _File:
    acts: tuple[Act, ...]


def read(file: Path) -> tuple[Act, ...]:
    """The acts of a file. Raises Failure that names the file and the key where something is wrong."""
    try:
        acts = decode(_File, yaml.safe_load(file.read_text(encoding="utf-8"))).acts
        for number, act in enumerate(acts):
            _check_act(act, f"acts[{number}]")
    except (OSError, yaml.YAMLError, Misfit) as error:
        raise Failure(f"{file}: {error}", code=USAGE) from None
    return acts


def _check_act(act: Act, where: str) -> None:
    if bool(act.injections) == (act.release is not None):
        raise Misfit(f"{where} needs either injections or a release")
    if act.release is not None:
        _check_release(act.release, f"{where}.release")
    for number, injection in enumerate(act.injections):
        _check(injection, f"{where}.injections[{number}]")


def _check_release(release: PlannedRelease, where: str) -> None:
    _check_readings(
        {"version": lambda: release_named(release.version), "for": lambda: duration(release.lasts)}, where
    )


def _check(injection: PlannedInjection, where: str) -> None:
    """Raises Misfit for what nobody could ask for on any site."""
    readings = {
        "fault": lambda: fault_named(injection.fault),
        "for": lambda: duration(injection.lasts),
        "at": lambda: injection.begins,
        "parameters": injection.request,
    }
    _check_readings(readings, where)


def _check_readings(readings: Mapping[str, Callable[[], object]], where: str) -> None:
    for key, reading in readings.items():
        try:
            reading()
        except (ValueError, Failure) as error:
            raise Misfit(f"{where}.{key}: {error}") from None
