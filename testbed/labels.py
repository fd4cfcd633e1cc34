"""What the labels in docker-compose.yml say of a part: what it is called, of what kind it is, and how it is
asked whether it is well. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from foundation.failure import USAGE, Failure

Kind = Literal["setup", "service", "store", "sentinel", "link", "controller", "instrument", "page"]
"""How a part is spoken to, and what it is to the site; docker-compose.yml says what each means."""

KINDS: tuple[Kind, ...] = get_args(Kind)
ALIVE_PATH = "/-/health"
READY_PATH = "/-/ready"


@dataclass(frozen=True)
class Labels:
    """Of one service of the compose file, or of its container."""

    service: str
    place: str | None
    kind: Kind
    alive_path: str
    ready_path: str
    is_optional: bool
    without: str
    """What the site is like where it is left out; empty: complete."""

    @property
    def name(self) -> str:
        return part_name(self.service, self.place)

    @classmethod
    def of(cls, labels: Mapping[str, str], compose_name: str) -> Labels:
        """What is not said is as with most: a service, named as in the file, with our own endpoints. Raises
        Failure for a kind that does not exist."""
        kind = labels.get("failwhale.kind", "service")
        if kind not in KINDS:
            raise Failure(
                f"{compose_name}: no kind of part is named {kind!r} (the label failwhale.kind)",
                f"kinds: {', '.join(KINDS)}",
                USAGE,
            )
        return cls(
            service=labels.get("failwhale.service", compose_name),
            place=labels.get("failwhale.place"),
            kind=kind,
            alive_path=labels.get("failwhale.alive", ALIVE_PATH),
            ready_path=labels.get("failwhale.ready", READY_PATH),
            is_optional=labels.get("failwhale.optional") == "true",
            without=labels.get("failwhale.without", ""),
        )


def part_name(service: str, place: str | None) -> str:
    """`post@east`, or `prometheus` for what stands in no data centre."""
    return f"{service}@{place}" if place else service
