"""What a fault is, and the register that it enters.

A fault breaks ONE target (a part, the calls into it, the whole site) in ONE way and knows how to undo that.
Choosing the targets, time limits, retries and remembering what was done live elsewhere, once (selector,
execution, journal). A new fault is one file in the folder of its family below chaos/faults, with one
registration line; chaos/faults/noop.py is the skeleton to copy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain
from math import inf, isfinite
from typing import Any, ClassVar, Literal

from chaos.journeys import JOURNEYS_OF, journeys_through
from chaos.target import SITE, Target
from foundation.console import duration, share, spell_duration
from foundation.failure import USAGE, Failure
from foundation.verdict import Verdict
from testbed.inventory import Part
from testbed.runtimes.capabilities import Capability, runtimes_with
from testbed.site import Site

Value = float | int | str | None
ParameterType = Literal["duration", "share", "integer", "text"]
UNITS: Mapping[ParameterType, str | None] = {
    "duration": "seconds",
    "share": "1",
    "integer": None,
    "text": None,
}

LEAST_INTENSITY, MOST_INTENSITY = 1, 10
"""How strong a fault is, where nobody wants to choose its parameters one by one."""

SERVICES = ("frontend", "auth", "post", "timeline", "retweet", "notify")
MAINTENANCE = "maintenance"
"""A service, too, but one that no user and no other service calls."""
PARTS = (*SERVICES, MAINTENANCE, "store", "sentinel", "link", "prober", "prometheus", "alertmanager")
"""Everything but the controller: nobody would be there to verify what it does to itself."""

_READERS: Mapping[ParameterType, Callable[[str], Value]] = {
    "duration": duration,
    "share": share,
    "integer": int,
    "text": str,
}


@dataclass(frozen=True)
class Parameter:
    """A value that a fault takes. Durations are seconds, shares above 0 to 1; bounds are inclusive."""

    name: str
    type: ParameterType
    help: str
    default: Value = None
    low: float | None = None
    high: float | None = None
    dial: tuple[float, float] | None = None
    """Its values at intensity 1 and 10; None: intensity does not change it."""

    def at_intensity(self, intensity: int) -> Value:
        """The value of a parameter with a dial: by equal factors from the mildest to the strongest, or by
        equal steps where one of them is 0."""
        assert self.dial is not None
        mild, strong = self.dial
        way = (intensity - LEAST_INTENSITY) / (MOST_INTENSITY - LEAST_INTENSITY)
        value = mild * (strong / mild) ** way if mild > 0 and strong > 0 else mild + (strong - mild) * way
        return round(value) if self.type == "integer" else float(f"{value:.3g}")

    def check(self, value: object) -> Value:
        """The value in its type. Raises Failure (usage) that names the parameter and its bounds."""
        if value is None and self.default is None:
            return None
        if self.type == "text":
            if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
                raise self._wrong(value, "is not a text of one line")
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(value, "is not a number")
        if self.type == "integer" and value != int(value):
            raise self._wrong(value, "is not a whole number")
        number = int(value) if self.type == "integer" else float(value)
        low, high = self.bounds
        if not low <= number <= high or (self.type == "share" and number == 0):
            raise self._wrong(number, f"is not within {self.spell(low)} and {self.spell(high)}")
        return number

    def read(self, text: str) -> Value:
        """The value of a text of the command line: `1200ms`, `30%`. Raises Failure as `check` does."""
        try:
            value = _READERS[self.type](text)
        except ValueError as error:
            raise Failure(f"{self.name}: {error}", self.help, code=USAGE) from None
        return self.check(value)

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value; a share must also be above 0."""
        if self.type == "share":
            return 0.0, 1.0
        return (-inf if self.low is None else self.low), (inf if self.high is None else self.high)

    def spell(self, value: object) -> str:
        """A value for a person: `1.2s`, `30%`, `500`."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return repr(value)
        if self.type == "duration":
            return spell_duration(value)
        if self.type == "share":
            return f"{value * 100:g}%"
        return str(value) if isinstance(value, int) else f"{value:g}"

    def typed(self, value: object) -> str:
        """A value as it is typed on the command line: `1.25s`, `2.5%`, `500`."""
        match self.type:
            case "duration":
                return f"{value}s"
            case "share":
                return f"{float(str(value)) * 100:g}%"
            case _:
                return str(value)

    def _wrong(self, value: object, why: str) -> Failure:
        return Failure(f"{self.name}: {self.spell(value)} {why}", self.help, code=USAGE)

    def describe(self) -> dict[str, Any]:
        """As `failwhale chaos list --json` shows it."""
        return {
            "name": self.name,
            "type": self.type,
            "unit": UNITS[self.type],
            "default": self.default,
            "bounds": [bound if isfinite(bound) else None for bound in self.bounds],
            "dial": list(self.dial) if self.dial else None,
            "help": self.help,
        }


@dataclass(frozen=True)
class Demonstration:
    """The proof that a fault bites: do this to a healthy site, and these journeys are hurt in this way.

    With no journeys it promises nothing about them; what is shown is then that it is verified and heals.
    """

    target: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    hurts: Mapping[str, Literal["down", "slow"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Harmless:
    """A small dose that no user notices: this done to a healthy site hurts no journey and raises no alert."""

    target: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    seconds: float = 3.0


@dataclass(frozen=True)
class Proof:
    """A verdict by effect and, for people, what was seen."""

    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class Injection:
    """One fault on one target."""

    id: str
    target: Target
    parameters: Mapping[str, Value]
    seconds: float
    """How long from now on the lease that undoes it must last."""

    @property
    def part(self) -> Part:
        """The one part that it is aimed at. Raises ValueError for the whole site."""
        return self.target.part

    @property
    def lease(self) -> str:
        """The name of the runtime's promise to undo this."""
        return f"{self.id}:{self.target.name}"


class Depth(IntEnum):
    """Where a part has something. The outer comes first for whoever looks at all: a part that is frozen or
    cut off cannot be asked about its inside."""

    PROCESS = 0
    AROUND = 1
    INSIDE = 2


class Fault(ABC):
    """Break one target, undo it, and prove both.

    Every method may block, may be repeated, and may be the first one that a new controller calls after its
    predecessor was killed.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    example: ClassVar[str]
    targets: ClassVar[tuple[str, ...]]
    """The services it can be done to; SITE among them: it can be done to the whole site."""
    of_calls: ClassVar[bool] = False
    """True when it hurts the calls into a part, so that it can be done to those of some callers (--from)."""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    requires: ClassVar[frozenset[Capability]] = frozenset()
    """What a runtime must be able to do, beyond what all can."""
    restored: ClassVar[str] = "is mended"
    """How it is called when `sweep` has removed what the fault left behind on a part."""
    lies: ClassVar[Depth] = Depth.INSIDE
    """Where a part has what this fault leaves behind."""
    demonstration: ClassVar[Demonstration]
    spares: ClassVar[tuple[str, ...]] = ()
    """Journeys that it cannot hurt wherever it is."""
    more_demonstrations: ClassVar[tuple[Demonstration, ...]] = ()
    """Of what it does to targets of other kinds."""
    harmless: ClassVar[tuple[Harmless, ...]] = ()
    """What `failwhale chaos noise` may do with it."""
    lasting: ClassVar[bool] = True
    """False when it happens once and there is nothing to wait for."""
    listed: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    """False when not every machine can do it where a runtime can: its precondition tries that out."""
    leaves_nothing: ClassVar[bool] = False
    """True when the controller does it all the time, so that nothing is left when that is dead."""
    precedent: ClassVar[str] = ""
    """Who suffered it in public, and when."""

    @property
    def summary(self) -> str:
        """What it does, in one sentence: the first of its help."""
        return f"{self.help.split('. ')[0].rstrip('.')}."

    @property
    def family(self) -> str:
        """The folder that it is in."""
        return type(self).__module__.split(".")[-2]

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Those that it can be done on."""
        return runtimes_with(self.requires)

    @property
    def demonstrations(self) -> tuple[Demonstration, ...]:
        """All, for whoever tries each."""
        return (self.demonstration, *self.more_demonstrations)

    @property
    def leaves(self) -> object:
        """The same of faults that leave the same behind, since they inherit how that is found and removed."""
        return type(self).leftover, type(self).sweep

    # What only some faults need.

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """The journeys that may be hurt when this is done to the target with these parameters.

        Those that pass through it, also where only the calls of some callers are hurt: the callers are front
        ends, and users come by each of them.
        """
        through = (journeys_through(part.service, part.place) for part in target.parts)
        return tuple(one for one in dict.fromkeys(chain.from_iterable(through)) if one not in self.spares)

    def precondition(self, site: Site, part: Part) -> None:  # noqa: B027
        """Raise Failure when it cannot be done to the part as it is now. Asked once, before all else; of the
        whole site each part is asked about."""

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:  # noqa: B027
        """Raise Failure (usage) when these parameters make no sense for the part, whatever its state."""

    def arm(self, site: Site, injection: Injection) -> None:  # noqa: B027
        """Have the fault undone at its limit by somebody closer to the part than the controller."""

    def sustain(self, site: Site, injection: Injection) -> None:  # noqa: B027
        """Do what must be done again while it lasts; asked twice a second, also by a new controller."""

    def disarm(self, site: Site, injection: Injection) -> None:  # noqa: B027
        """Take back what `arm` did, when the fault is undone."""

    def leftover(self, site: Site, part: Part) -> str:
        """What this fault left behind on the part, as somebody sees it who has no journal; empty: nothing, or
        nobody can say. Any part may be asked about, also one that is no target.

        For `heal`, which says it after the part's name: `was barred from promotion`.
        """
        return ""

    def sweep(self, site: Site, part: Part) -> None:  # noqa: B027
        """Remove what `leftover` saw."""

    # What every fault is.

    @abstractmethod
    def apply(self, site: Site, injection: Injection) -> None:
        """Break it."""

    @abstractmethod
    def verify(self, site: Site, injection: Injection) -> Proof:
        """Did it bite? Asked again and again for a moment, so it looks once and does not wait."""

    @abstractmethod
    def revert(self, site: Site, injection: Injection) -> None:
        """Undo it; no failure when there is nothing to undo."""

    @abstractmethod
    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """Is what this fault did undone? (Whether the part is healthy is asked elsewhere, for all faults.)"""

    def check(self, parameters: Mapping[str, object]) -> dict[str, Value]:
        """All parameters with their defaults. Raises Failure (usage) for an unknown name or a bad value."""
        for name in parameters:
            self.parameter(name)
        return {one.name: one.check(parameters.get(one.name, one.default)) for one in self.parameters}

    @property
    def dialled(self) -> tuple[Parameter, ...]:
        """The parameters that say how strong it is."""
        return tuple(parameter for parameter in self.parameters if parameter.dial is not None)

    def at_intensity(self, intensity: int | None) -> dict[str, Value]:
        """The parameters that say how strong it is, from 1 to 10; none for None. Raises Failure (usage) for
        another number, and for a fault that cannot be stronger or weaker."""
        if intensity is None:
            return {}
        if not self.dialled:
            raise Failure(f"{self.name} has no intensity", f"see: failwhale chaos show {self.name}", USAGE)
        if not LEAST_INTENSITY <= intensity <= MOST_INTENSITY:
            raise Failure(
                f"there is no intensity {intensity}",
                f"choose {LEAST_INTENSITY} to {MOST_INTENSITY}: {self.spell_dial()}",
                USAGE,
            )
        return {parameter.name: parameter.at_intensity(intensity) for parameter in self.dialled}

    def spell_dial(self) -> str:
        """What the mildest and the strongest are, for a person: `1 is delay 100ms, 10 is delay 5s`."""
        ends = (LEAST_INTENSITY, MOST_INTENSITY)
        return ", ".join(f"{end} is {self.spell(self.at_intensity(end))}" for end in ends)

    def parameter(self, name: str) -> Parameter:
        """Raises Failure (usage) for an unknown name."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = ", ".join(parameter.name for parameter in self.parameters)
        raise Failure(f"{self.name} has no parameter {name!r}", f"it has: {known or 'none'}", code=USAGE)

    def spell(self, parameters: Mapping[str, object]) -> str:
        """The parameters that are set, for a person: `delay 1.2s, share 30%`."""
        return ", ".join(
            f"{one.name} {one.spell(parameters[one.name])}"
            for one in self.parameters
            if parameters.get(one.name) is not None
        )

    def spell_asked(self, parameters: Mapping[str, object]) -> str:
        """The parameters that are not at their defaults, for a person."""
        defaults = {one.name: one.default for one in self.parameters}
        return self.spell({name: value for name, value in parameters.items() if value != defaults.get(name)})

    def describe(self) -> dict[str, Any]:
        """As `failwhale chaos list --json` shows it."""
        if self.targets == (SITE,):
            hurts = set(self.hurts(Target(SITE, ()), self.check({})))
        else:
            services = PARTS if SITE in self.targets else self.targets
            hurts = {journey for service in services for journey in JOURNEYS_OF.get(service, ())}
            hurts.difference_update(self.spares)
        return {
            "name": self.name,
            "family": self.family,
            "targets": list(self.targets),
            "of_calls": self.of_calls,
            "parameters": [parameter.describe() for parameter in self.parameters],
            "hurts": sorted(hurts),
            "runtimes": list(self.runtimes),
            "needs": ", and ".join(sorted(self.requires)) or None,
            "summary": self.summary,
            "help": self.help,
            "precedent": self.precedent or None,
            "demonstration": {
                "target": self.demonstration.target,
                "parameters": dict(self.demonstration.parameters),
                "hurts": dict(self.demonstration.hurts),
            },
        }


REGISTER: dict[str, Fault] = {}
"""By name; complete once all of chaos.faults is imported, which chaos.catalogue sees to."""


def register(fault: Fault) -> None:
    """Make a fault known by its name."""
    if fault.name in REGISTER:
        raise ValueError(f"two faults are named {fault.name!r}")
    REGISTER[fault.name] = fault
