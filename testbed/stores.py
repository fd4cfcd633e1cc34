"""The store as chaos reaches it: who is what, what can be done to a replica, and what the sentinels think."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from foundation.failure import Failure
from services.platform.access import MAINTENANCE, SENTINEL
from services.platform.keys import REPLICATION_BARRIER
from testbed import sentinels
from testbed.inventory import Inventory, Part
from testbed.sentinels import Opinion, ReplicaOpinion

_ROLES = {"master": "primary", "slave": "replica"}

_PRIORITY = "100"
"""Of a replica that may be promoted: what Redis gives it."""


_WHO_CORRECTS: Mapping[str, tuple[str, ...]] = {
    SENTINEL: ("replicaof", "slaveof"),
    MAINTENANCE: ("replicaof",),
}
"""Who may tell a store whom to follow, besides chaos, and by which commands."""

HANDOVER = 3.0
"""Seconds that a switchover may take before the old primary takes writes again."""

ANSWERS_WITHIN = 0.5
"""Seconds. A server that needs longer counts as one that does not answer."""


class Refused(str):
    """With what words a Redis or Sentinel refused a command."""


class Stores(ABC):
    """The stores and the sentinels of one site."""

    inventory: Inventory

    @abstractmethod
    def ask_redis(self, part: Part, *command: str | bytes, patience: float = ANSWERS_WITHIN) -> Any:
        """The raw answer of a Redis or Sentinel; Refused when it is an error, None when there is none."""

    def _redis_says(self, part: Part, *command: str | bytes) -> Any:
        """The same, and None when it is an error."""
        answer = self.ask_redis(part, *command)
        return None if isinstance(answer, Refused) else answer

    # --- who is what ---

    @property
    def stores(self) -> list[Part]:
        """The pair: a primary and its replica, or what is left of it."""
        return [part for part in self.inventory.parts if part.kind == "store"]

    @property
    def primary(self) -> Part | None:
        """The store that says that it is the primary; None when none does."""
        return next((part for part in self.stores if self.store_role(part) == "primary"), None)

    def store_role(self, part: Part) -> str | None:
        """`primary` or `replica`, as the store itself says now; None when it does not answer."""
        answer = self._redis_says(part, "ROLE")
        return _ROLES.get(answer[0].decode()) if answer else None

    def store_roles(self) -> dict[str, str]:
        """The role of each store that answers, by the name of its part."""
        roles = {part.name: self.store_role(part) for part in self.stores}
        return {name: role for name, role in roles.items() if role is not None}

    def hold_writes(self, seconds: float) -> None:
        """Let every primary take no write until it is demoted, but for so many seconds at most."""
        for part in self.stores:
            if self.store_role(part) == "primary":
                self._redis_says(part, "CLIENT", "PAUSE", str(int(seconds * 1000)), "WRITE")

    def release_writes(self, part: Part) -> None:
        """Let a store take writes again that were held."""
        self._redis_says(part, "CLIENT", "UNPAUSE")

    def takes_writes(self, part: Part) -> bool:
        """Whether a store does a write now. The one that is asked for changes nothing."""
        return isinstance(self._redis_says(part, "DEL", "failwhale:no-such-key"), int)

    def refused_write(self, part: Part) -> str:
        """With what words a store refuses a write that needs room; empty when it does it, or is silent. What
        is written the site itself writes all the time, and nobody reads."""
        answer = self.ask_redis(part, "SET", REPLICATION_BARRIER, "")
        return answer if isinstance(answer, Refused) else ""

    def lags(self, part: Part) -> bool:
        """Whether a replica stands still at less than the primary has written. It takes a tenth of a second
        to tell: one that follows is not behind for so long."""
        behind = self._offset(part)
        primary = self.primary
        written = self._offset(primary) if primary else None
        if behind is None or written is None or primary == part or behind >= written:
            return False
        time.sleep(0.1)
        return self._offset(part) == behind

    def replication_lag(self) -> dict[str, int]:
        """By replica, how many bytes of the stream of writes it has not followed yet; without a primary, or
        for a replica that does not answer, nothing."""
        primary = self.primary
        behind = {part.name: self._offset(part) for part in self.stores if part != primary}
        written = self._offset(primary) if primary else None
        if written is None:
            return {}
        return {name: max(0, written - offset) for name, offset in behind.items() if offset is not None}

    def _offset(self, part: Part) -> int | None:
        """How far the stream of writes is that a store has made, or has followed."""
        role = self._redis_says(part, "ROLE")
        return None if not role else int(role[1] if role[0] == b"master" else role[4])

    # --- what can be done to a store ---

    def configure(self, part: Part, setting: str, value: str) -> None:
        """Change a setting of a store. Raises Failure when it refuses, or does not answer."""
        self._tell(part, "CONFIG", "SET", setting, value)

    def give_back(self, part: Part, setting: str, usual: str) -> None:
        """Give a store its usual setting back. No failure while it does not answer: redis.sh does it."""
        if self.setting(part, setting) not in (usual, None):
            self._tell(part, "CONFIG", "SET", setting, usual)
            self._redis_says(part, "CONFIG", "REWRITE")  # Sentinel may have had it written down meanwhile

    def setting(self, part: Part, name: str) -> str | None:
        """A setting of a store; None when it is no store, or does not answer."""
        said = self._redis_says(part, "CONFIG", "GET", name) if part.kind == "store" else None
        return said[1].decode() if said else None

    def bar(self, part: Part) -> None:
        """Let a store not be promoted. Raises Failure when it does not answer."""
        self.configure(part, "replica-priority", "0")

    def unbar(self, part: Part) -> None:
        """Let it be promoted again. No failure while it does not answer: what is left then, `heal` finds."""
        self.give_back(part, "replica-priority", _PRIORITY)

    def is_barred(self, part: Part) -> bool:
        """Whether a store says that it may not be promoted; false for one that does not answer."""
        return self.setting(part, "replica-priority") == "0"

    def barred_by(self, part: Part) -> dict[str, bool]:
        """Of each sentinel that answers, whether it takes the part for a replica that is there and barred."""
        opinions, _ = self.opinions()
        return {
            opinion.sentinel: any(one.name == part.name and one.is_barred for one in opinion.replicas)
            for opinion in opinions
        }

    def hold(self, part: Part, seconds: float) -> None:
        """Let a store do no write for so many seconds at most, a replica nothing that the primary sends.

        The sentinels publish through it, and would wait for that as well and take it for dead, so they may
        not. Raises Failure when it does not answer.
        """
        self._tell(part, "ACL", "SETUSER", self._publisher(part), "-publish")
        self._tell(part, "CLIENT", "PAUSE", str(int(seconds * 1000)), "WRITE")

    def hold_all(self, part: Part, seconds: float) -> None:
        """Let a store answer nothing for so many seconds, whatever it is asked. Raises Failure when it
        does not answer."""
        self._tell(part, "CLIENT", "PAUSE", str(int(seconds * 1000)), "ALL")

    def split_off(self, part: Part) -> None:
        """Make a replica a primary beside the other one, and let nobody correct that. Raises Failure when it
        does not answer."""
        for user, commands in _WHO_CORRECTS.items():
            self._tell(part, "ACL", "SETUSER", user, *(f"-{command}" for command in commands))
        self._tell(part, "REPLICAOF", "NO", "ONE")

    def rejoin(self, part: Part) -> None:
        """Let it follow whoever is the primary; what it alone has is lost. No failure while it does not
        answer: one that starts anew asks the sentinels."""
        self.welcome_back(part)
        if self.is_split_off(part):
            for user, commands in _WHO_CORRECTS.items():
                self._tell(part, "ACL", "SETUSER", user, *(f"+{command}" for command in commands))
            self._redis_says(part, "CONFIG", "REWRITE")  # Sentinel may have had it written down meanwhile

    def re_attach(self, part: Part, primary: Part) -> None:
        """Let a store follow this one, whatever has kept it from that. What it alone has is lost."""
        self.let_go(part)
        self.rejoin(part)
        self._demote(part, primary)

    def is_split_off(self, part: Part) -> bool:
        """Whether nobody may correct whom a store follows; false for one that does not answer."""
        if part.kind != "store":
            return False
        said = self._redis_says(part, "ACL", "DRYRUN", SENTINEL, "REPLICAOF", "NO", "ONE")
        return said is not None and said != b"OK"

    def let_go(self, part: Part) -> None:
        """Let it write again. No failure while it does not answer: what was held went with it."""
        if self.is_held(part):
            self._tell(part, "CLIENT", "UNPAUSE")
            self._tell(part, "ACL", "SETUSER", self._publisher(part), "+publish")
            self._redis_says(part, "CONFIG", "REWRITE")  # Sentinel may have had it written down meanwhile

    def is_held(self, part: Part) -> bool:
        """Whether a store is held like that, or was; false for one that does not answer."""
        publisher = self._publisher(part) if part.kind == "store" else ""
        if not publisher:
            return False
        said = self._redis_says(part, "ACL", "DRYRUN", publisher, "PUBLISH", "channel", "message")
        return said is not None and said != b"OK"

    def _publisher(self, part: Part) -> str:
        """As whom the sentinels come to a store; empty when it does not answer."""
        users = self._redis_says(part, "ACL", "USERS") or ()
        return next((user for user in ("sentinel", "default") if user.encode() in users), "")

    def _tell(self, part: Part, *command: str) -> None:
        if self._redis_says(part, *command) is None:
            raise Failure(f"{part.name} refuses {' '.join(command[:2])}, or does not answer")

    # --- failover ---

    def begin_switchover(self) -> None:
        """Have Sentinel promote the replica in good order: the old primary would go on taking writes that the
        new one never gets. Raises Failure when no sentinel agrees."""
        self.hold_writes(HANDOVER)
        self.ask_failover()

    def settle_switchover(self, to: Part) -> None:
        """Do what is left to do now that a switchover to this store was begun; may be repeated.

        The old primary is not demoted before the sentinels agree. A new primary that dies earlier leaves the
        old one as the primary; had that been demoted, nobody would be there to promote.
        """
        agreed = self.agreed_primary()
        if agreed == to and self.store_role(to) == "primary":
            self.demote_others(to)
        elif agreed is not None and agreed != to:
            if self.store_role(to) == "primary":  # Sentinel gave up before it saw that
                self.ask_failover()
            else:
                self.release_writes(agreed)

    def ask_failover(self) -> None:
        """Have Sentinel promote the replica. Raises Failure when no sentinel agrees."""
        refusals = []
        for part, known in self._sentinels():
            answer = self._redis_says(part, "SENTINEL", "FAILOVER", known[b"name"])
            if answer == b"OK":
                return
            refusals.append(part.name)
        raise Failure(
            f"no sentinel begins a failover; asked: {', '.join(refusals) or 'none, as none answers'}"
        )

    def demote_others(self, primary: Part) -> None:
        """Make every other store that still believes to be the primary a replica of this one.

        Sentinel would do it, but it waits for eight seconds first.
        """
        for part in self.stores:
            if part != primary and self.store_role(part) == "primary":
                self._demote(part, primary)

    def _demote(self, part: Part, primary: Part) -> None:
        """Writes that were held are released with it. Until then it does not answer the sentinels either, who
        publish through it, and a store that is silent to them is not promoted."""
        host, port = primary.address()
        self._redis_says(part, "REPLICAOF", host, str(port))
        self.release_writes(part)

    def welcome_back(self, part: Part) -> None:
        """A store that was away may still believe to be the primary: it gives way to who was promoted since.
        With any other part there is nothing to do.
        """
        if part.kind != "store" or self.store_role(part) != "primary":
            return
        primary = self.last_promoted()
        if primary is not None and primary != part:
            self._demote(part, primary)

    def last_promoted(self) -> Part | None:
        """The store that was made the primary last, as the sentinels know; None when none answers.

        A sentinel that was cut off may still name the one before, so the latest epoch counts. The address is
        asked for by itself: beside the epoch of a promotion that is not quite over, the old one is listed.
        """
        latest = -1
        found = None
        for sentinel, known in self._sentinels():
            named = self._named_by(sentinel, known)
            epoch = int(known[b"config-epoch"])
            if named is not None and epoch > latest:
                latest, found = epoch, named
        return found

    def without_quorum(self) -> dict[str, bool]:
        """Of each sentinel that answers, whether it reaches too few others to promote anybody."""
        return {
            part.name: isinstance(self.ask_redis(part, "SENTINEL", "CKQUORUM", known[b"name"]), Refused)
            for part, known in self._sentinels()
        }

    def agreed_primary(self) -> Part | None:
        """The store to which every sentinel leads the services, or None: they disagree, are too few, or about
        to promote another."""
        return sentinels.agreed_primary(*self.opinions())

    def failover_hindrance(self) -> str:
        """Why no replica would be promoted if the primary died now; empty when one would."""
        return sentinels.hindrance(*self.opinions())

    def opinions(self) -> tuple[list[Opinion], int]:
        """What the sentinels that answer say, and how many there are."""
        opinions = []
        for part, known in self._sentinels():
            rows = self._redis_says(part, "SENTINEL", "REPLICAS", known[b"name"]) or []
            flags = known.get(b"flags", b"").split(b",")
            opinions.append(
                Opinion(
                    part.name,
                    self._named_by(part, known),
                    int(known[b"config-epoch"]),
                    failing_over=b"failover_in_progress" in flags,
                    misses_primary=b"s_down" in flags,
                    replicas=tuple(self._replica_of(_fields(row)) for row in rows),
                )
            )
        return opinions, sum(part.kind == "sentinel" for part in self.inventory.parts)

    def _replica_of(self, fields: dict[bytes, bytes]) -> ReplicaOpinion:
        row = {key.decode(): value.decode() for key, value in fields.items()}
        part = self._store_at(f"{row['ip']}:{row['port']}")
        return sentinels.replica_of(row, part.name if part else f"{row['ip']}:{row['port']}")

    def _named_by(self, sentinel: Part, known: dict[bytes, bytes]) -> Part | None:
        named = self._redis_says(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", known[b"name"])
        return self._store_at(b":".join(named or ()).decode())

    def _store_at(self, address: str) -> Part | None:
        return next((part for part in self.stores if address in part.addresses.values()), None)

    def _sentinels(self) -> Iterator[tuple[Part, dict[bytes, bytes]]]:
        """Each sentinel that answers, with what it knows of the primary."""
        for part in self.inventory.parts:
            if part.kind == "sentinel" and (masters := self._redis_says(part, "SENTINEL", "MASTERS")):
                yield part, _fields(masters[0])

    def _store_is_ready(self, part: Part) -> bool:
        role = self._redis_says(part, "ROLE")
        if not role:
            return False
        if role[0] == b"master":  # one that was away may believe for a moment that it still is
            one = list(self.store_roles().values()).count("primary") == 1
            return one and self.agreed_primary() == part and self.takes_writes(part)
        return bool(role[3] == b"connected")


def _fields(flat: list[bytes]) -> dict[bytes, bytes]:
    """Names and values from the list in which a sentinel sends them."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
