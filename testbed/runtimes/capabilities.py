"""What a runtime can do beyond running parts, ending and freezing them. A third runtime is one line here.

Known without a runtime at hand: who asks for a fault on a runtime that cannot do it is told where it can be
done, and `chaos list` says so of every fault.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum


class Capability(StrEnum):
    """The value says for people what there must be."""

    NETWORKS = "a network of its own for each data centre"
    PACKETS = "a kernel that can be told what to do to the packets of one part"
    EXEC = "an inside of its own for each part, where commands can be run"


CAPABILITIES: Mapping[str, frozenset[Capability]] = {
    "processes": frozenset(),
    "docker": frozenset(Capability),
}
"""By runtime."""


def runtimes_with(required: Collection[Capability]) -> tuple[str, ...]:
    """The runtimes that have them all."""
    return tuple(name for name, capabilities in CAPABILITIES.items() if capabilities >= set(required))


def missing(runtime: str, required: Collection[Capability]) -> str:
    """What a runtime lacks of them, for people; empty when it has them all."""
    return ", and ".join(sorted(set(required) - CAPABILITIES[runtime]))
