"""What an operation is: what an engineer on call does to a site by one command, whatever has broken it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.inventory import Part
from testbed.labels import Kind
from testbed.selector import Roles, pieces, select
from testbed.site import Site

Say = Callable[[str], None]


@dataclass(frozen=True)
class Parameter:
    """What may be said of an operation besides what it is aimed at."""

    name: str
    type: Literal["switch", "duration"]
    help: str
    default: bool | float

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    def describe(self) -> dict[str, Any]:
        """As `failwhale ops list --json` shows it."""
        return {"name": self.name, "type": self.type, "default": self.default, "help": self.help}


@dataclass(frozen=True)
class Order:
    """One use of an operation."""

    state: State
    site: Site
    target: str
    """As a person said it: a selector, the name of a job, of an alert; empty where none is asked for."""
    parts: tuple[Part, ...]
    """Those that this concerns."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """The parameters, all of them."""
    reason: str = ""
    """Why, as somebody said."""
    say: Say = lambda line: None
    """Tells what is done, while more is to be done."""


class Operation(ABC):
    """What an engineer on call may do. It looks at the site, and never at what was done to it."""

    name: ClassVar[str]
    help: ClassVar[str]
    example: ClassVar[str]
    target_help: ClassVar[str] = ""
    """What it can be aimed at; empty: it takes no target."""
    usual: ClassVar[str] = ""
    """The target when none is said; empty: one must be."""
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    @property
    def summary(self) -> str:
        """What it does, in one sentence: the first of its help."""
        return f"{self.help.split('. ')[0].rstrip('.')}."

    @abstractmethod
    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        """The parts that it concerns. Raises Failure (usage) for a target that makes no sense."""

    @abstractmethod
    def carry_out(self, order: Order) -> str:
        """Do it, and wait until it has taken effect; returns what was done, in words. Raises Failure with the
        reason and the next step where it cannot be done, or does not take effect."""

    def describe(self) -> dict[str, Any]:
        """As `failwhale ops list --json` shows it."""
        return {
            "name": self.name,
            "summary": self.summary,
            "help": self.help,
            "target": self.target_help or None,
            "default_target": self.usual or None,
            "parameters": [parameter.describe() for parameter in self.parameters],
            "example": self.example,
        }


class OnParts(Operation):
    """One that is done to parts of some kinds, which a selector names."""

    kinds: ClassVar[tuple[Kind, ...]]
    services: ClassVar[tuple[str, ...]] = ()
    """Only these, of the kinds; empty: all."""
    target_help = "post@east, post:all, store:primary, store:replica, place:east; or several"

    def is_for(self, part: Part) -> bool:
        return part.kind in self.kinds and (not self.services or part.service in self.services)

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return self.among(target, site.inventory.parts, lambda: _roles(site))

    def among(self, target: str, parts: Sequence[Part], roles: Roles) -> tuple[Part, ...]:
        """Those of the parts that a target means: of a place those that it is for; of all else each must be.
        Raises Failure (usage)."""
        meant: list[Part] = []
        for piece in pieces(target):
            chosen = select(piece, parts, roles, seed=0)
            fitting = [part for part in chosen if self.is_for(part)]
            if not fitting or (len(fitting) < len(chosen) and not piece.startswith("place:")):
                refused = ", ".join(part.name for part in chosen if part not in fitting)
                there = ", ".join(part.name for part in parts if self.is_for(part))
                raise Failure(f"{self.name} is not for {refused}", f"it is for: {there}", USAGE)
            meant += fitting
        return tuple(part for part in parts if part in meant)


def _roles(site: Site) -> dict[str, str]:
    """Of the stores. Where none says that it is the primary, it is the one that is silent and that the
    sentinels name: whoever wants to restart it means that one. Where two say so, it is whom they name."""
    roles = site.store_roles()
    if list(roles.values()).count("primary") > 1 and (agreed := site.agreed_primary()) is not None:
        return {name: "primary" if name == agreed.name else "replica" for name in roles}
    if "primary" not in roles.values():
        named = site.last_promoted()
        if named is not None and named.name not in roles:
            return {**roles, named.name: "primary"}
    return roles


REGISTER: dict[str, Operation] = {}
"""By name; complete once all of operations.known is imported, which operations.catalogue sees to."""


def register(operation: Operation) -> None:
    """Make an operation known by its name."""
    if operation.name in REGISTER:
        raise ValueError(f"two operations are named {operation.name!r}")
    REGISTER[operation.name] = operation


def names_of(parts: tuple[Part, ...] | list[Part]) -> str:
    """For a sentence."""
    return ", ".join(part.name for part in parts)


def refuse_silent(site: Site, parts: tuple[Part, ...]) -> None:
    """Raise Failure when one of the parts does not answer."""
    silent = [part for part in parts if not site.answers(part)]
    if silent:
        raise Failure(
            f"{names_of(silent)} does not answer",
            f"if it is ill: failwhale ops restart {silent[0].name}; see: failwhale status",
        )
