"""block and unblock: the edges let a source in no more, or again."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar, NamedTuple

from foundation.failure import USAGE, Failure
from foundation.user import user
from operations.operation import Operation, Order, register
from services.platform.configuration.schema import BLOCKED_ACCOUNTS, BLOCKED_ADDRESSES
from testbed.configuration import setting
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.recorded_change import apply
from testbed.site import Site
from testbed.strangers import failed_logins

BUSIEST = "busiest"
SERVICE = "frontend"
STANDS_OUT = 10
"""Failed logins in some seconds: people mistype, too, and many of them may share an address."""

_KEYS = {"address": BLOCKED_ADDRESSES, "account": BLOCKED_ACCOUNTS}


class Source(NamedTuple):
    """An address, or an account by its handle."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class Block(Operation):
    name = "block"
    help = (
        "Have the edges let a source in no more: every request of an address, or of the sessions of an "
        "account, is answered 403. busiest is the address from which most logins fail at this moment, if one "
        "stands out. It is a change of the configuration, and stays until it is undone; people who share the "
        "address are not let in, either."
    )
    example = "failwhale ops block address:192.0.2.7"
    target_help = "address:IP, account:HANDLE, or busiest"
    blocks: ClassVar[bool] = True

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        if target != BUSIEST or not self.blocks:
            _source(target, self.example)
        return tuple(part for part in site.inventory.parts if part.service == SERVICE)

    def carry_out(self, order: Order) -> str:
        is_busiest = order.target == BUSIEST
        source = _busiest(order.site, order.parts) if is_busiest else _source(order.target, self.example)
        if self.blocks and source.kind == "account" and order.site.has_account(source.name) is False:
            raise Failure(f"nobody has the handle {source.name!r}", "see: failwhale open", USAGE)
        key = _KEYS[source.kind]
        before = list(order.site.configuration.newest().values.get(key, []))
        if (source.name in before) is self.blocks:
            state = "blocked already" if self.blocks else "not blocked"
            raise Failure(f"{source} is {state}", f"see: failwhale config show {key}")
        after = [*before, source.name] if self.blocks else [one for one in before if one != source.name]
        reason = order.reason or f"{self.name} {source}"
        change = apply(order.state, setting({key: after or None}, user(), reason))
        names = {part.name for part in order.parts}
        if missing := sorted(names & set(change.missing)):
            raise Failure(
                f"{', '.join(missing)} does not go by it: {change.missing[missing[0]]}",
                "see: failwhale config show; back: failwhale config roll-back",
            )
        if self.blocks:
            return f"{source} is let in no more; again: failwhale ops unblock {source}"
        return f"{source} is let in again"


class Unblock(Block):
    name = "unblock"
    help = "Have the edges let a source in again that was blocked."
    example = "failwhale ops unblock address:192.0.2.7"
    target_help = "address:IP, or account:HANDLE"
    blocks = False


def _source(target: str, example: str) -> Source:
    """What a person named. Raises Failure (usage) for what is no source."""
    kind, _, name = target.partition(":")
    if kind in _KEYS and name:
        if kind == "account":
            return Source(kind, name.lower())
        try:
            return Source(kind, str(ipaddress.ip_address(name)))
        except ValueError:
            raise Failure(f"{name!r} is no IP address", f"for example: {example}", USAGE) from None
    raise Failure(f"{target!r} names no source", f"for example: {example}", USAGE)


def _busiest(site: Site, edges: Iterable[Part]) -> Source:
    """The address from which most logins fail, at both edges together. Raises Failure where none stands
    out."""
    failures: Counter[str] = Counter()
    for edge in edges:
        with suppress(Unreachable):  # the other one may know
            failures.update(failed_logins(site, edge))
    address, most = next(iter(failures.most_common(1)), ("", 0))
    if most < STANDS_OUT:
        seen = f"; most are from {address}, {most}" if most else ""
        raise Failure(
            f"no source stands out by the logins that fail{seen}",
            "name one: failwhale ops block address:192.0.2.7",
        )
    return Source("address", address)


register(Block())
register(Unblock())
