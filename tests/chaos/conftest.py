"""A site in memory that keeps the promises of a real one: leases, and injection points that expire."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from site_files import kind_of

import chaos.execution
import chaos.faults.calls.injection_point
from chaos.injector import Injector
from chaos.journal import Entry, Journal
from foundation.failure import Failure
from foundation.patient_ledger import PatientLedger
from foundation.state import State
from services.platform import pki
from services.platform.configuration.document import INITIAL, Document
from services.platform.configuration.schema import MOST_PATTERNS
from testbed.certificates import Flaw, Presented
from testbed.control import Answer, Silent, Unreachable
from testbed.endpoint_certificates import EndpointCertificate
from testbed.inventory import Inventory, Part
from testbed.releases import Releases
from testbed.site import Site


def make_part(name: str) -> Part:
    service, _, place = name.partition("@")
    address = {"8000": "127.0.0.1:1"}
    return Part(name, service, place or None, name.replace("@", "-"), "8000", address, kind_of(service))


SERVICES = ("frontend", "auth", "post", "retweet", "timeline", "notify", "store", "sentinel", "link")
NAMES = (
    *(f"{service}@{place}" for place in ("east", "west") for service in SERVICES),
    "sentinel@witness",
    "maintenance@east",
    "prober",
    "chaos",
    "prometheus",
)
ROUTES = {"/api/v1/posts": {"post": {}}, "/api/v1/posts/{id}": {"get": {}, "delete": {}}}
PARTS = tuple(make_part(name) for name in NAMES)
CERTIFICATE = pki.new_authority().certificate
"""What is presented, whatever is wrong with it."""


class Killed(SystemExit):
    """The controller dies here. No `except Exception` sees it, as none would see a SIGKILL."""


@dataclass
class Process:
    running: bool = True
    paused: bool = False
    cut: bool = False
    limited: bool = False
    points: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class MemoryRuntime:
    """Implements testbed.runtimes.Runtime as far as faults use it. What fell due is undone when seen."""

    step: Callable[[], None]
    name: str = "processes"
    processes: dict[str, Process] = field(default_factory=lambda: {name: Process() for name in NAMES})
    leases: dict[str, tuple[str, str, float]] = field(default_factory=dict)

    def settle(self) -> None:
        for lease, (part, undo, until) in list(self.leases.items()):
            if time.monotonic() >= until:
                del self.leases[lease]
                self.revive(part) if undo == "start" else self.thaw(part)

    def of(self, part: str) -> Process:
        self.settle()
        if part not in self.processes:
            raise Failure(f"no part is named {part!r}")
        return self.processes[part]

    def arm(self, lease: str, part: str, undo: str, seconds: float) -> None:
        self.step()
        self.of(part)
        if self.name == "docker":  # where the controller is restarted, nothing is kept
            return
        self.leases[lease] = (part, undo, time.monotonic() + seconds)
        self.step()

    def disarm(self, lease: str) -> None:
        self.step()
        self.settle()
        self.leases.pop(lease, None)
        self.step()

    def kill(self, part: str) -> None:
        self.step()
        process = self.of(part)
        self.processes[part] = replace(process, running=False, paused=False, points={})
        self.step()

    stop = kill

    def start(self, part: str) -> None:
        self.step()
        self.of(part)
        self.revive(part)
        self.step()

    def revive(self, part: str) -> None:
        self.processes[part].running = True

    def pause(self, part: str) -> None:
        self.step()
        process = self.of(part)
        process.paused = process.running
        self.step()

    def resume(self, part: str) -> None:
        self.step()
        self.of(part)
        self.thaw(part)
        self.step()

    def thaw(self, part: str) -> None:
        self.processes[part].paused = False

    def cut(self, part: str, keep: Collection[str] = ()) -> None:
        self.step()
        self.of(part).cut = True
        self.step()

    def join(self, part: str) -> None:
        self.step()
        self.of(part).cut = False
        self.step()

    def is_cut(self, part: str) -> bool:
        return self.of(part).cut

    def limit(self, part: str, cpus: float | None = None, memory: int | None = None) -> None:
        self.step()
        self.of(part).limited = True
        self.step()

    def unlimit(self, part: str) -> None:
        self.step()
        self.of(part).limited = False
        self.step()

    def is_limited(self, part: str) -> bool:
        return self.of(part).limited

    def held_back(self, part: str) -> float:
        """Whoever is asked about a starved part has just called it."""
        return time.monotonic() if self.of(part).limited else 0.0

    def is_running(self, part: str) -> bool:
        return self.of(part).running

    def is_paused(self, part: str) -> bool:
        return self.of(part).paused


@dataclass
class MemoryControl:
    site: MemorySite
    part: Part
    timeout: float = 2.0
    caller: str | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        self.site.step()
        try:
            return self._answer(method, path, body)
        finally:
            self.site.step()

    def _answer(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        process = self.site.runtime.of(self.part.name)
        if not process.running or process.paused or process.cut or self.site.is_ended(self.part):
            raise Unreachable(f"{self.part.name} does not answer")
        points = process.points
        for identifier in [one for one, point in points.items() if time.monotonic() >= point["until"]]:
            del points[identifier]
        if path.endswith("/openapi.json"):
            return Answer(200, json.dumps({"paths": ROUTES}).encode())
        if not path.startswith("/-/") and (configured := self._configured(path)) is not None:
            return configured
        if not path.startswith("/-/"):
            return self._served(list(points.values()))
        if path == "/-/health":
            return Answer(200, b"{}")
        if path.startswith("/-/jobs"):
            return Answer(200, json.dumps(jobs(points.values())).encode())
        if path == "/-/configuration":
            return self._configuration(method, body)
        identifier = path.rpartition("/")[2]
        if method == "PUT":
            assert body is not None
            points[identifier] = {"until": time.monotonic() + float(str(body["seconds"])), "hits": 0, **body}
        elif method == "DELETE":
            points.pop(identifier, None)
        else:
            rows = [{"id": one, "kind": p["kind"], "hits": p["hits"]} for one, p in points.items()]
            return Answer(200, json.dumps(rows).encode())
        return Answer(200, b"{}")

    def _configuration(self, method: str, body: Mapping[str, object] | None) -> Answer:
        held = self.site.taken_by(self.part)
        if method == "PUT":
            assert body is not None
            held = self.site.handed = Document.parse(str(body["document"]))
        row = {"document": held.text(), "former": None, "since": time.time(), "refused": ""}
        unread = 60.0 if self.site.withholding else 0.1
        return Answer(200, json.dumps({**row, "unread_seconds": unread}).encode())

    def _configured(self, path: str) -> Answer | None:
        """What the configuration has a request get."""
        held = self.site.taken_by(self.part)
        if path == "/" and not held.value("limits.address-rate"):
            return problem(429, "too-many-requests")
        if self.part.service == "frontend" and held.value("plans.own.access") == "none":
            return problem(403, "not-in-your-plan")
        if path.endswith("/second-factor") and not held.value("flags.second-factor"):
            return problem(503, "codes-not-checked")
        if len(held.value("post.blocked-patterns")) == 2:
            raise Silent(f"{self.part.name} does not answer")
        return None

    def _served(self, points: list[dict[str, Any]]) -> Answer:
        """What a request gets that meets these injection points."""
        for point in points:
            if self.caller not in point.get("callers", [self.caller]) and not self.site.indiscriminate:
                continue
            point["hits"] += 1
            if self.site.harmless:
                continue
            if point["kind"] == "errors":
                return problem(point["status"], "internal-error")
            waits = point["delay"] if point["kind"] == "latency" else self.timeout
            time.sleep(min(waits, self.timeout))
            if waits >= self.timeout:
                raise Silent(f"{self.part.name} does not answer")
        return problem(404, "unknown-post")


def jobs(points: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """What a part of maintenance says of its jobs that meet these injection points."""
    kinds = {point["job"]: point["kind"] for point in points}
    rows = {
        name: {
            "due_in": -60.0 if kinds.get(name) == "job-off" else 60.0,
            "running": 60.0 if kinds.get(name) == "job-stuck" else 0.0,
            "duration": 0.1,
            "error": None,
        }
        for name in ("trim-events", "trim-data")
    }
    return {"leads": True, "jobs": rows, "grown": {}}


def problem(status: int, slug: str) -> Answer:
    return Answer(status, json.dumps({"type": f"https://x.invalid/{slug}", "title": slug}).encode())


class MemoryReleases(Releases):
    """The real road in a folder of its own; what blocks it and clears it are steps."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._temporary = TemporaryDirectory()
        super().__init__(State(self._temporary.name))
        self._step = step

    def block(self, by: str, what: str, machine: str) -> None:
        self._step()
        super().block(by, what, machine)
        self._step()

    def clear(self) -> None:
        self._step()
        super().clear()
        self._step()


class MemorySite(Site):
    """`crash_after(n)` kills the controller at the n-th step that it takes on this site or in its journal."""

    def __init__(self) -> None:
        self.inventory = Inventory(PARTS, {"east": "https://localhost:1", "west": "https://localhost:2"})
        self.steps = 0
        self.last_step: int | None = None
        self.dead: set[threading.Thread] = set()
        """Of controllers that died: some would wake up much later, and do what the dead cannot."""
        self.runtime: MemoryRuntime = MemoryRuntime(self.step)
        self.releases = MemoryReleases(self.step)
        self.barred: set[str] = set()
        self.held: set[str] = set()
        self.flaws: dict[str, Flaw] = {}
        self.told: dict[str, set[str]] = {}
        """By part with a certificate of a new authority: who trusts that."""
        self.documents = [INITIAL]
        self.handed = INITIAL
        self.withholding: set[str] = set()
        self.roles = {"store@east": "primary", "store@west": "replica"}
        self.harmless = False
        """Whether injection points count the requests that they meet, and do nothing to them."""
        self.indiscriminate = False
        """Whether injection points hurt everybody, although they are for the calls of some."""
        self._counting = threading.Lock()

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
        self, part: Part, timeout: float, caller: str | None = None
    ) -> MemoryControl:
        return MemoryControl(self, part, timeout, caller)

    def accepts_connections(self, part: Part) -> bool:
        process = self.runtime.of(part.name)
        return process.running and not process.cut and not self.is_ended(part)

    def answers(self, part: Part) -> bool:
        process = self.runtime.of(part.name)
        return process.running and not process.paused and not process.cut and not self.is_ended(part)

    ready = answers

    def relays_after(self, part: Part, timeout: float) -> float | None:
        began = time.monotonic()
        try:
            MemoryControl(self, part, timeout).ask("GET", "/")
        except Unreachable:
            return None
        return time.monotonic() - began

    def store_role(self, part: Part) -> str | None:
        return self.roles[part.name] if self.answers(part) else None

    def hold_writes(self, seconds: float) -> None:
        self.step()

    def lags(self, part: Part) -> bool:
        return part.name in self.held

    # --- what can be done to a replica, and to a certificate ---

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

    def hold_replication(self, part: Part, seconds: float) -> None:
        self.step()
        self.held.add(part.name)
        self.step()

    def release_replication(self, part: Part) -> None:
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
        self.roles = {"store@east": west, "store@west": east}
        self.step()

    def harm(self) -> list[str]:
        """Everything that is not as it should be, as somebody would see it who knows nothing of faults."""
        self.runtime.settle()
        found = [f"{name} is barred" for name in self.barred]
        found += [f"{name} does not follow" for name in self.held]
        found += [f"the certificate of {name} is bad: {flaw}" for name, flaw in self.flaws.items()]
        found += [f"a new authority for {name} is trusted" for name in self.told]
        found += [f"roll-outs: {obstacle}"] if (obstacle := self.releases.obstacle()) else []
        found += [f"{name} lets nobody read the configuration" for name in self.withholding]
        found += [f"the configuration has what {one} forced" for one in self.documents[-1].faults]
        for name, process in self.runtime.processes.items():
            found += [] if process.running else [f"{name} is down"]
            found += [f"{name} is paused"] if process.paused else []
            found += [f"{name} is cut off"] if process.cut else []
            found += [f"{name} is limited"] if process.limited else []
            found += [
                f"{name} has {one}"
                for one, point in process.points.items()
                if time.monotonic() < float(str(point["until"]))
            ]
        if sorted(self.roles.values()) != ["primary", "replica"]:
            found.append(f"the stores are {self.roles}")
        return found


class SteppingJournal(Journal):
    """A journal whose every write is a step at which the controller may die: before, in it, and after."""

    site: MemorySite

    def _write(self, line: bytes) -> None:
        self.site.step()
        try:
            self.site.step()
        except Killed:
            with self._path.open("ab") as file:
                file.write(line[: len(line) // 2])
            raise
        super()._write(line)
        self.site.step()


@dataclass
class Laboratory:
    """A site in memory, and controllers for it, one after the other."""

    folder: Path
    site: MemorySite = field(default_factory=MemorySite)
    injector: Injector | None = None
    journal: Journal | None = None

    def controller(self) -> Injector:
        """A controller that takes up what the one before left."""
        self.lose_controller()
        journal = SteppingJournal.open(self.folder / "chaos" / "journal.ndjson", patience=2.0)
        journal.site = self.site
        self.journal = journal
        self.injector = Injector(lambda: self.site, journal, self.ledger)
        return self.injector

    def lose_controller(self) -> None:
        """The controller is dead, and has let go of the journal."""
        if self.injector is not None and self.journal is not None:
            self.site.last_step = 0
            self.site.dead.update(self.injector._executions.values())
            self.journal.close()
        self.injector = self.journal = None
        self.site.last_step = None

    @property
    def ledger(self) -> PatientLedger:
        return PatientLedger(self.folder / "record" / "ledger.ndjson")


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path)
    yield laboratory
    laboratory.lose_controller()


@pytest.fixture(autouse=True)
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory everything takes effect at once."""
    monkeypatch.setattr(chaos.execution, "POLL", 0.002)
    monkeypatch.setattr(chaos.execution, "LEASE_MARGIN", 0.05)
    monkeypatch.setattr(chaos.execution, "LOOK_AGAIN", 0.01)
    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.02)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], object], what: str = "", seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
            time.sleep(0.002)

    return wait


@pytest.fixture
def settle(wait_until: Callable[..., None]) -> Callable[[Injector], list[Entry]]:
    """Wait until nothing more happens to any fault."""

    def wait(injector: Injector) -> list[Entry]:
        wait_until(lambda: all(entry.settled for entry in injector.entries()), "every fault settled")
        return injector.entries()

    return wait


@pytest.fixture
def parts() -> tuple[Part, ...]:
    return PARTS
