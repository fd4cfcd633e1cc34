"""A site in memory that keeps the promises of a real one: leases, and injection points that expire."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Collection, Iterator, Sequence

from memory_site.control import MemoryControl, loads
from memory_site.folders import MemoryReleases, MemoryRules, MemoryTokenKey
from memory_site.parts import CERTIFICATE, PARTS
from memory_site.runtime import Killed, MemoryRuntime
from services.platform.configuration.document import INITIAL, Document
from services.platform.configuration.schema import MOST_PATTERNS
from testbed.alert_rules import AlertRules
from testbed.certificates import Flaw, Presented
from testbed.control import Unreachable
from testbed.endpoint_certificates import EndpointCertificate
from testbed.event_log import GroupNow, Taken
from testbed.inventory import Inventory, Part
from testbed.site import Site
from testbed.store_loads import USUAL_MAXCLIENTS
from testbed.stored_content import ProtectedPost, WrongCount


class MemorySite(Site):
    """`crash_after(n)` kills the controller at the n-th step that it takes on this site or in its journal."""

    def __init__(self) -> None:
        self.inventory = Inventory(PARTS, {"east": "https://localhost:1", "west": "https://localhost:2"})
        self.steps = 0
        self.carried_out = 0
        """Requests, as its parts measure them."""
        self.last_step: int | None = None
        self.dead: set[threading.Thread] = set()
        """Of controllers that died: some would wake up much later, and do what the dead cannot."""
        self.runtime: MemoryRuntime = MemoryRuntime(self.step)
        self.releases = MemoryReleases(self.step)
        self.token_key = MemoryTokenKey(self.step)
        self.runtime.on_restart = lambda part: self.silent.discard(part)
        self.rules = MemoryRules(self.step)
        self.evaluates = self.rules.read()
        self.barred: set[str] = set()
        self.held: set[str] = set()
        self.changed: set[str] = set()
        """What is not as it was."""
        self.silent: set[str] = set()
        """Stores that are paused for all."""
        self.settings: dict[tuple[str, str], str] = {}
        """What is not as usual, by store and setting."""
        self.flaws: dict[str, Flaw] = {}
        self.told: dict[str, set[str]] = {}
        """By part with a certificate of a new authority: who trusts that."""
        self.documents = [INITIAL]
        self.handed = INITIAL
        self.withholding: set[str] = set()
        self.attempts = 0
        """At each journey, as the prober's metrics tell."""
        self.roles = {"store@east": "primary", "store@west": "replica"}
        self.indiscriminate = False
        """Whether injection points hurt everybody, although they are for the calls of some."""
        self.requests = itertools.count()
        self._counting = threading.Lock()

    @property
    def harmless(self) -> bool:
        """Whether injection points count the requests that they meet, and do nothing to them."""
        return self.runtime.harmless

    @harmless.setter
    def harmless(self, so: bool) -> None:
        self.runtime.harmless = so

    def step(self) -> None:
        if threading.current_thread() in self.dead:
            threading.Event().wait()
        with self._counting:
            self.steps += 1
            if self.last_step is not None and self.steps > self.last_step:
                raise Killed

    def control(self, part: Part, timeout: float = 2.0) -> MemoryControl:  # type: ignore[override]
        return MemoryControl(self, part, timeout)

    def entrance(  # type: ignore[override]
        self, part: Part, timeout: float, caller: str | None = None, source: str = ""
    ) -> MemoryControl:
        return MemoryControl(self, part, timeout, caller)

    @property
    def alert_rules(self) -> AlertRules:
        return self.rules

    def evaluated_alerts(self, prometheus: Part) -> dict[str, str]:
        if self.runtime.reloaded:
            self.runtime.reloaded, self.evaluates = False, self.rules.read()
        return self.evaluates

    def last_said(self, part: Part, lines: int) -> list[str]:
        points = self.runtime.of(part.name).points
        floods = (one for one, point in points.items() if point["kind"] == "log-flood")
        return [f"{one}: 1.0 MB" for one in floods if not self.harmless]

    def accepts_connections(self, part: Part) -> bool:
        process = self.runtime.of(part.name)
        kinds = [fault.kind for fault in self.releases.told_faults(part.name).values()]
        starts = ("slow-start" in kinds and not self.harmless) or process.keyless
        return process.running and not starts and not process.cut and not self.is_ended(part)

    def answers(self, part: Part) -> bool:
        process = self.runtime.of(part.name)
        alive = process.running and not process.paused and not process.cut and not self.is_ended(part)
        alive = alive and not process.few_files
        alive = alive and (self.harmless or not any(process.packets.values()))
        return alive and part.name not in self.silent

    def ready(self, part: Part) -> bool:
        points = self.runtime.of(part.name).points.values()
        says_no = any(point["kind"] == "never-ready" for point in points)
        return self.answers(part) and (self.harmless or not says_no)

    def relays_after(self, part: Part, timeout: float) -> float | None:
        began = time.monotonic()
        try:
            MemoryControl(self, part, timeout).ask("GET", "/")
        except Unreachable:
            return None
        return time.monotonic() - began

    def relays(self, part: Part, timeout: float) -> bool:
        return self.relays_after(part, timeout) is not None

    def store_role(self, part: Part) -> str | None:
        return self.roles[part.name] if self.answers(part) else None

    def hold_writes(self, seconds: float) -> None:
        self.step()

    def lags(self, part: Part) -> bool:
        return part.name in self.held

    # --- who people are, and what they have written ---

    def signed_in(self, part: Part, account: int, since: float = 0.0) -> dict[str, str]:
        return {} if part.service == "frontend" else super().signed_in(part, account, since)

    def challenge(self, account: int) -> str:
        return "a challenge"

    def accounts_with(self, what: str) -> Iterator[int]:
        yield 7

    def protected_post(self) -> ProtectedPost:
        return ProtectedPost("1", "hermit")

    def wrongly_counted(self) -> WrongCount | None:
        points = self.runtime.of("maintenance@east").points.values()
        wrong = any(point["kind"] == "counters-wrong" for point in points)
        return WrongCount("1", 1000, 0) if wrong else None

    # --- what can be done to a store, and to a certificate ---

    def takes_writes(self, part: Part) -> bool:
        return self.store_role(part) == "primary" and part.name not in self.held

    def refused_write(self, part: Part) -> str:
        if self.runtime.is_disk_full(part.name):
            return "MISCONF Errors writing to the AOF file: File too large"
        return "used memory > 'maxmemory'" if (part.name, "maxmemory") in self.settings else ""

    def configure(self, part: Part, setting: str, value: str) -> None:
        self.step()
        self.settings[part.name, setting] = value
        self.step()

    def give_back(self, part: Part, setting: str, usual: str) -> None:
        self.step()
        self.settings.pop((part.name, setting), None)
        self.step()

    def setting(self, part: Part, name: str) -> str | None:
        return self.settings.get((part.name, name), {"maxclients": USUAL_MAXCLIENTS}.get(name))

    def crowd(self, part: Part, most: int) -> list[socket.socket]:
        return []

    def crowd_out(self, part: Part, most: int, ended: float) -> list[socket.socket]:
        self.configure(part, "maxclients", "1")
        return []

    def refuses_connections(self, part: Part) -> bool:
        return (part.name, "maxclients") in self.settings

    def block(self, part: Part, seconds: float) -> None:
        self.step()

    def longest_wait(self, part: Part, seconds: float, enough: float) -> float:
        return enough if loads(part) else 0.0

    def newest_posts(self, part: Part, most: int) -> list[str]:
        return ["post:1"]

    def ask_in_vain(self, part: Part, times: int) -> None:
        self.step()

    def ask_for_one(self, part: Part, key: str, times: int) -> None:
        self.step()

    def in_vain(self, part: Part, seconds: float) -> float:
        return 1.0 if loads(part) else 0.0

    def most_asked(self, part: Part, commands: int) -> tuple[str, float]:
        return ("post:1", 1.0) if loads(part) else ("home:1", 0.1)

    def split_off(self, part: Part) -> None:
        self._change(f"whom {part.name} follows")
        self.roles = dict.fromkeys(self.roles, "primary")

    def rejoin(self, part: Part) -> None:
        self.step()
        self.roles = {"store@east": "primary", "store@west": "replica"}
        self._put_back(f"whom {part.name} follows")

    def is_split_off(self, part: Part) -> bool:
        return f"whom {part.name} follows" in self.changed

    def empty_homes(self, part: Part, share: float) -> None:
        self._change("homes")

    def refill_homes(self, part: Part) -> None:
        self._put_back("homes")

    def emptied_homes(self, part: Part) -> int:
        return int("homes" in self.changed)

    def cold_homes(self, part: Part) -> tuple[int, int]:
        return int("homes" in self.changed), 1

    def corrupt_posts(self, part: Part, posts: Sequence[str]) -> None:
        self._change("posts")

    def mend_posts(self, part: Part) -> None:
        self._put_back("posts")

    def corrupted_posts(self, part: Part) -> int:
        return int("posts" in self.changed)

    def wrong_posts(self, part: Part) -> tuple[int, int]:
        return int("posts" in self.changed), 1

    def lose_all_posts(self, part: Part) -> None:
        self._change("which posts there are")

    def lose_posts(self, part: Part, posts: Sequence[str]) -> None:
        self.step()

    def return_posts(self, part: Part) -> None:
        self._put_back("which posts there are")

    def lost_posts(self, part: Part) -> int:
        return int("which posts there are" in self.changed)

    def _change(self, what: str) -> None:
        self.step()
        self.changed.add(what)
        self.step()

    def _put_back(self, what: str) -> None:
        self.step()
        self.changed.discard(what)
        self.step()

    def rotate_password(self, part: Part) -> None:
        self._change(f"the password at {part.name}")

    def give_password_back(self, part: Part) -> None:
        self._put_back(f"the password at {part.name}")

    def is_password_rotated(self, part: Part) -> bool:
        return f"the password at {part.name}" in self.changed

    def connections_of_services(self, part: Part) -> int:
        return 9

    def hold_all(self, part: Part, seconds: float) -> None:
        self.step()
        self.silent.add(part.name)
        self.step()

    def without_quorum(self) -> dict[str, bool]:
        there = [part for part in PARTS if part.kind == "sentinel" and self.answers(part)]
        return {part.name: len(there) < 2 for part in there}

    # --- the event log ---

    def group_now(self, name: str) -> GroupNow | None:
        """As it is while a member, whichever it is, has an injection point of this group."""
        service = {"fan-out": "timeline", "notifications": "notify"}[name]
        kinds = {
            part.name: {point["kind"] for point in self.runtime.of(part.name).points.values()}
            for part in PARTS
            if part.service == service
        }
        waits = any("consumer-stopped" in some for some in kinds.values())
        lost = any("event-log-trimmed" in some for some in kinds.values())
        taken = {member: Taken(9.0, 9.0, 9) for member, some in kinds.items() if some}
        return GroupNow(9.0 * waits, 9.0 * lost, dict.fromkeys(kinds, 0.1), taken)

    def append_event(self, kind: str, content: str, by: str) -> None:
        self.step()

    def bar(self, part: Part) -> None:
        self.step()
        self.barred.add(part.name)
        self.step()

    def unbar(self, part: Part) -> None:
        self.step()
        self.barred.discard(part.name)
        self.step()

    def is_barred(self, part: Part) -> bool:
        return part.name in self.barred

    def barred_by(self, part: Part) -> dict[str, bool]:
        return {"sentinel@witness": part.name in self.barred}

    def hold(self, part: Part, seconds: float) -> None:
        self.step()
        self.held.add(part.name)
        self.step()

    def let_go(self, part: Part) -> None:
        self.step()
        self.held.discard(part.name)
        self.step()

    def is_held(self, part: Part) -> bool:
        return part.name in self.held

    # --- the configuration ---

    def taken_by(self, part: Part) -> Document:
        """What a part goes by: at once what the store has, where it may read that."""
        if self.withholding:
            return self.handed
        return max(self.documents[-1], self.handed, key=lambda document: document.version)

    def is_ended(self, part: Part) -> bool:
        """Whether it ends whenever it has read its configuration."""
        patterns = self.taken_by(part).value("post.blocked-patterns")
        return part.service == "post" and len(patterns) > MOST_PATTERNS

    def configurations_at(self, part: Part, most: int = 1) -> list[Document] | None:
        if not self.answers(part):
            return None
        return [one for one in reversed(self.documents) if one.version][:most]

    def write_configuration(self, part: Part, document: Document) -> bool:
        self.step()
        if document.version <= self.documents[-1].version:
            return False
        self.documents.append(document)
        self.step()
        return True

    def withhold_configuration(self, part: Part) -> None:
        self.step()
        self.withholding.add(part.name)
        self.step()

    def yield_configuration(self, part: Part) -> None:
        self.step()
        self.withholding.discard(part.name)
        self.step()

    def withholds_configuration(self, part: Part) -> bool:
        return part.name in self.withholding

    def hide_key(self, part: Part) -> None:
        self.step()
        self.runtime.of(part.name).keyless = True
        self.step()

    def restore_key(self, part: Part) -> None:
        self.step()
        self.runtime.of(part.name).keyless = False
        self.step()

    def lacks_key(self, part: Part) -> bool:
        return self.runtime.of(part.name).keyless

    def give_certificate(self, part: Part, flaw: Flaw) -> None:
        self.step()
        self.flaws[part.name] = flaw
        self.step()

    def half_rotate_certificate(self, part: Part, trusting: Collection[Part]) -> None:
        self.step()
        self.told[part.name] = {one.name for one in trusting}
        self.step()
        self.flaws[part.name] = Flaw.UNKNOWN_CA
        self.step()

    def renew_certificate(self, part: Part) -> None:
        self.step()
        self.flaws.pop(part.name, None)
        self.step()
        self.told.pop(part.name, None)
        self.step()

    def certificates(self) -> list[EndpointCertificate]:
        return [
            EndpointCertificate(
                part.compose_name,
                part.name,
                "internal",
                "the site's",
                "2027-01-01T00:00:00.000000Z",
                60.0,
                self.flaws.get(part.name, "good"),
            )
            for part in PARTS
            if part.kind == "service"
        ]

    def certificate_flaw(self, part: Part) -> Flaw | None:
        return self.flaws.get(part.name)

    def presented_certificate(self, part: Part, trusting: Part | None = None) -> Presented | None:
        told = trusting is not None and trusting.name in self.told.get(part.name, ())
        return Presented(CERTIFICATE, None if told else self.flaws.get(part.name))

    def release_writes(self, part: Part) -> None:
        self.step()

    def last_promoted(self) -> Part | None:
        return next(part for part in PARTS if self.roles.get(part.name) == "primary")

    agreed_primary = last_promoted

    def failover_hindrance(self) -> str:
        down = [part.name for part in self.stores if not self.answers(part)]
        return f"{', '.join(down)} does not answer it" if down else ""

    def demote_others(self, primary: Part) -> None:
        self.step()

    def ask_failover(self) -> None:
        self.step()
        east, west = self.roles["store@east"], self.roles["store@west"]
        self.attempts = 0
        """At each journey, as the prober's metrics tell."""
        self.roles = {"store@east": west, "store@west": east}
        self.step()

    def harm(self) -> list[str]:
        """Everything that is not as it should be, as somebody would see it who knows nothing of faults."""
        self.runtime.settle()
        found = [f"{name} is barred" for name in self.barred]
        found += [f"{name} is held" for name in self.held]
        found += [f"{name} answers nobody" for name in self.silent]
        found += [f"{what} not as before" for what in self.changed]
        found += [f"{part.name} bears a load" for part in PARTS if loads(part)]
        found += [f"{name} has {value} of {setting}" for (name, setting), value in self.settings.items()]
        found += [f"the certificate of {name} is bad: {flaw}" for name, flaw in self.flaws.items()]
        found += [f"a new authority for {name} is trusted" for name in self.told]
        found += ["the token key is lost"] if self.token_key.is_lost else []
        found += [f"roll-outs: {obstacle}"] if (obstacle := self.releases.obstacle()) else []
        alerts = {"JourneyDown", "PartDown"}
        own = self.rules.read().keys() == self.evaluated_alerts(PARTS[-1]).keys() == alerts
        found += [] if own else ["the rules of Prometheus are not its own"]
        found += [f"{name} lets nobody read the configuration" for name in self.withholding]
        found += [f"the configuration has what {one} forced" for one in self.documents[-1].faults]
        for name, process in self.runtime.processes.items():
            found += [] if process.running else [f"{name} is down"]
            found += [f"{name} is paused"] if process.paused else []
            found += [f"{name} is cut off"] if process.cut else []
            found += [f"{name} is limited"] if process.limited else []
            found += [f"the packets of {name} are hurt"] if process.packets else []
            found += [f"{name} may open few files"] if process.few_files else []
            found += [f"{name} lacks its key"] if process.keyless else []
            found += [f"{name} begins with {one}" for one in self.releases.told_faults(name)]
            found += [f"{name} cannot write"] if process.disk_full else []
            found += [
                f"{name} has {one}"
                for one, point in process.points.items()
                if time.monotonic() < float(str(point["until"]))
            ]
        if sorted(self.roles.values()) != ["primary", "replica"]:
            found.append(f"the stores are {self.roles}")
        return found
