"""A site in memory that keeps the promises of a real one: leases, and injection points that expire."""

from __future__ import annotations

import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.client import IncompleteRead
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from site_files import kind_of

import chaos.execution
import chaos.faults.calls.injection_point
import chaos.faults.instance.cpu_burn
import chaos.faults.instance.loop_blocked
import chaos.faults.instruments.scrape_fault
from chaos.injector import Injector
from chaos.journal import Entry, Journal
from foundation.failure import Failure
from foundation.patient_ledger import PatientLedger
from foundation.state import State
from outages.journey_names import NAMES as NAMES_OF_JOURNEYS
from services.platform import pki
from services.platform.configuration.document import INITIAL, Document
from services.platform.configuration.schema import MOST_PATTERNS
from services.platform.injection.spec import OF_ANSWERS, OF_CONTENTS, OF_ROADS, FaultSpec
from services.platform.tokens import KEYS_FILE
from testbed.alert_rules import ADDED, AlertRules
from testbed.certificates import Flaw, Presented
from testbed.control import Answer, Silent, Unreachable, WasReset
from testbed.endpoint_certificates import EndpointCertificate
from testbed.event_log import GroupNow, Taken
from testbed.instruments import JourneyRow
from testbed.inventory import Inventory, Part
from testbed.releases import Releases
from testbed.runtimes import Usage
from testbed.site import Site
from testbed.store_loads import USUAL_MAXCLIENTS
from testbed.stored_content import ProtectedPost, WrongCount
from testbed.token_key import TokenKey


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
    "alertmanager",
    "prometheus",
)
ROUTES = {"/api/v1/posts": {"post": {}}, "/api/v1/posts/{id}": {"get": {}, "delete": {}}}
PARTS = tuple(make_part(name) for name in NAMES)
CERTIFICATE = pki.new_authority().certificate
"""What is presented, whatever is wrong with it."""


UNKNOWN = {
    ("sessions-lost", "frontend"): "The session has ended.",
    ("token-key-mismatch", "frontend"): "This is not a session token.",
    ("token-key-mismatch", "auth"): "The challenge is not good any more, log in again",
}
"""Why a session, or a challenge, is not known by a service that has such an injection point."""


class Killed(SystemExit):
    """The controller dies here. No `except Exception` sees it, as none would see a SIGKILL."""


@dataclass
class Process:
    running: bool = True
    paused: bool = False
    cut: bool = False
    limited: bool = False
    few_files: bool = False
    keyless: bool = False
    packets: dict[str, float] = field(default_factory=dict)
    began: float = 0.0
    disk_full: bool = False
    points: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class MemoryRuntime:
    """Implements testbed.runtimes.Runtime as far as faults use it. What fell due is undone when seen."""

    step: Callable[[], None]
    name: str = "processes"
    processes: dict[str, Process] = field(default_factory=lambda: {name: Process() for name in NAMES})
    leases: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    on_restart: Callable[[str], None] = lambda part: None
    """What ends with the process, besides what this runtime knows of."""
    reloaded: bool = False
    """Whether somebody shall read the files anew by which it goes."""
    harmless: bool = False

    def settle(self) -> None:
        for lease, (part, undo, until) in list(self.leases.items()):
            if time.monotonic() >= until:
                del self.leases[lease]
                {"start": self.revive, "resume": self.thaw, "allow-files": self.free_files}[undo](part)

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

    def restarts(self, part: str) -> int:
        """Once for each injection point that it dies of."""
        kinds = [] if self.harmless else [point["kind"] for point in self.of(part).points.values()]
        return sum(kind in ("crash-loop", "out-of-memory") for kind in kinds)

    def start(self, part: str) -> None:
        self.step()
        self.of(part)
        self.revive(part)
        self.step()

    def restart(self, part: str) -> None:
        self.start(part)
        self.processes[part].began = time.monotonic()
        self.on_restart(part)

    def revive(self, part: str) -> None:
        self.processes[part].running = True

    def reload(self, part: str) -> None:
        self.step()
        self.of(part)
        self.reloaded = True
        self.step()

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

    def fill_disk(self, part: str) -> None:
        self.step()
        self.of(part).disk_full = True
        self.step()

    def clear_disk(self, part: str) -> None:
        self.step()
        self.of(part).disk_full = False
        self.step()

    def is_disk_full(self, part: str) -> bool:
        return self.of(part).disk_full

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

    def starve(self, lease: str, part: str, share: float, seconds: float) -> None:
        self.step()
        self.of(part).limited = True
        self.step()

    def feed(self, part: str) -> None:
        self.step()
        self.of(part).limited = False
        self.step()

    def is_starved(self, part: str) -> bool:
        return self.of(part).limited

    def held_back(self, part: str, meanwhile: Callable[[], None]) -> float:
        meanwhile()
        return 0.1 if self.of(part).limited else 0.0

    def usage(self, part: str) -> Usage:
        """With all that its injection points take."""
        process = self.of(part)
        if not process.running:
            raise Failure(f"{part} is not running")
        points = [point for point in process.points.values() if time.monotonic() < point["until"]]
        points = [] if self.harmless else points
        burns = any(point["kind"] == "cpu-burn" for point in points)
        taken = sum(point["megabytes"] for point in points if point["kind"] in ("memory-leak", "memory-hog"))
        return Usage(time.monotonic() if burns else 0.0, (64 + taken) * 2**20, None)

    def limit_files(self, part: str, most: int) -> None:
        self.step()
        self.of(part).few_files = True
        self.step()

    def allow_files(self, part: str) -> None:
        self.step()
        self.of(part)
        self.free_files(part)
        self.step()

    def free_files(self, part: str) -> None:
        self.processes[part].few_files = False

    def lacks_files(self, part: str) -> bool:
        return self.of(part).few_files

    def disturb(self, part: str, wanted: Mapping[str, float]) -> None:
        self.step()
        self.of(part).packets = dict(wanted)
        self.step()

    def try_netem(self, part: str) -> None:
        self.of(part)

    def leave_alone(self, part: str) -> None:
        self.step()
        self.of(part).packets = {}
        self.step()

    def are_disturbed(self, part: str) -> bool:
        return bool(self.of(part).packets)

    def age(self, part: str) -> float:
        return time.monotonic() - self.of(part).began

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
        seconds: float = inf,
    ) -> Answer:
        self.site.step()
        try:
            return self._answer(method, path, body)
        finally:
            self.site.step()

    def _answer(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        process = self.site.runtime.of(self.part.name)
        silent = process.paused or process.cut or process.few_files or self.site.is_ended(self.part)
        if not process.running or silent:
            raise Unreachable(f"{self.part.name} does not answer")
        points = process.points
        for identifier in [one for one, point in points.items() if time.monotonic() >= point["until"]]:
            del points[identifier]
        if path.endswith("/openapi.json"):
            return Answer(200, json.dumps({"paths": ROUTES}).encode())
        if path in ("/api/v2/alerts", "/pages"):
            gone = any(point["kind"] == "alerts-to-nobody" for point in points.values())
            return Answer(404 if gone else 200, b"{}")
        if path == "/metrics" and process.packets:
            time.sleep(0.005 if not self.site.harmless else 0)
            return Answer(200, b"." * (16 * 1024 + 100))
        if path == "/metrics":
            return self._scraped(list(points.values()))
        if path == "/api/v1/sessions" and any(point["kind"] == "threads" for point in points.values()):
            if not self.site.harmless:
                raise Silent(f"{self.part.name} does not answer")
            return problem(401, "wrong-name-or-password")
        if not path.startswith("/-/") and (configured := self._configured(path)) is not None:
            return configured
        if not path.startswith("/-/"):
            return self._served(list(points.values()))
        if path == "/-/reach":
            return self._reach(points.values())
        if path == "/-/health":
            time.sleep(0.0015)  # no less than a handshake takes
            pauses = [point["pause"] for point in points.values() if point["kind"] == "loop-blocked"]
            if pauses and not self.site.harmless and next(self.site.requests) % 2:
                time.sleep(pauses[0] / 50)
        if path in ("/-/health", "/-/ready"):
            return Answer(200, b"{}")
        if path == "/-/failed-logins":
            row = {"address": "192.0.2.7", "failures": 60 if loads(self.part) else 0}
            return Answer(200, json.dumps({"sources": [row]}).encode())
        if path == "/-/backups":
            hidden = any(point["kind"] == "backups-unreachable" for point in points.values())
            return problem(503, "no-backups") if hidden else Answer(200, b"[]")
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
            rows = [{"id": one, **point} for one, point in points.items()]
            return Answer(200, json.dumps(rows).encode())
        return Answer(200, b"{}")

    def _scraped(self, points: list[dict[str, Any]]) -> Answer:
        """What a scrape gets. Each look finds an attempt more at each journey."""
        by_kind = {point["kind"]: point for point in points if not self.site.harmless}
        if "metrics-down" in by_kind:
            return Answer(503, b"")
        if (slow := by_kind.get("scrape-slow")) is not None:
            time.sleep(min(slow["delay"], self.timeout))
            if slow["delay"] > self.timeout:
                raise Silent(f"{self.part.name} does not answer")
        self.site.attempts += 1
        took = 7 if "prober-blind" in by_kind else self.site.attempts
        unwatched = by_kind.get("journey-unwatched", {}).get("journey")
        lines = (
            f'journey_duration_seconds_{what}{{journey="{journey}"}} {value}\n'
            for what, value in (("count", self.site.attempts), ("sum", took))
            for journey in NAMES_OF_JOURNEYS
            if journey != unwatched
        )
        labels = 'http_request_method="GET",http_response_status_code="404"'
        carried_out = f"http_server_request_duration_seconds_count{{{labels}}} {self.site.carried_out}\n"
        return Answer(200, "".join([*lines, carried_out]).encode())

    def _reach(self, points: Collection[Mapping[str, Any]]) -> Answer:
        """What a new connection of a part gets whose roads are hurt by these injection points."""
        hurt = [point for point in points if point["kind"] in OF_ROADS and not self.site.harmless]
        why = "certificate is not valid for 'post-east'" if hurt else ""
        reached = {f"post@{place}": {"seconds": 0.4, "error": why} for place in ("east", "west")}
        return Answer(200, json.dumps(reached).encode())

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
        if path.endswith("/retweets") and held.value("addresses.retweet.east"):
            return problem(503, "service-unreachable")
        if len(held.value("post.blocked-patterns")) == 2:
            raise Silent(f"{self.part.name} does not answer")
        return None

    def _served(self, points: list[dict[str, Any]]) -> Answer:
        """What a request gets that meets these injection points."""
        self.site.carried_out += 1
        for point in points:
            if self.caller not in point.get("callers", [self.caller]) and not self.site.indiscriminate:
                continue
            point["hits"] += 1
            if self.site.harmless:
                continue
            if point["kind"] in ("errors", "health-check-lies"):
                return problem(point["status"], "internal-error")
            if point["kind"] == "reset":
                raise WasReset(f"{self.part.name} does not answer")
            if point["kind"] in OF_ANSWERS:
                return spoiled(problem(404, "unknown-post"), point)
            if point["kind"] == "clock-skew":
                told = formatdate(time.time() + float(str(point["ahead"])), usegmt=True)
                return Answer(404, b"", {"date": told})
            if why := UNKNOWN.get((point["kind"], self.part.service)):
                return problem(401, why)
            if point["kind"] == "duplicated":
                self.site.carried_out += 1
                continue
            if point["kind"] == "connections-exhausted":
                service = point["to"] or "post"
                return problem(503, "overloaded", f"{service} has as many calls in flight as it may.")
            if point["kind"] in OF_ROADS:
                raise Unreachable("it gets nowhere")
            if point["kind"] in OF_CONTENTS:
                items = [] if point["kind"] == "timelines-empty" else ["somebody else's"]
                return Answer(200, json.dumps({"items": items}).encode())
            waits = point["delay"] if point["kind"] == "latency" else self.timeout
            time.sleep(min(waits, self.timeout))
            if waits >= self.timeout:
                raise Silent(f"{self.part.name} does not answer")
        return problem(404, "unknown-post")


def spoiled(answer: Answer, point: Mapping[str, Any]) -> Answer:
    """What comes of an answer that one of those faults hits which do not touch the request."""
    body = answer.body
    part = body[: int(len(body) * point.get("keep", 0.1))]
    match point["kind"]:
        case "truncated":
            return Answer(answer.status, part)
        case "aborted":
            raise Unreachable("it does not answer") from IncompleteRead(part, len(body) - len(part))
        case "corrupted":
            return Answer(answer.status, body[:-1] + b"\xfd")
        case "wrong-headers":
            return Answer(answer.status, body, {point["header"]: point["value"]})
        case "slow-drip":
            return Answer(answer.status, part, {"content-length": str(len(body))})
    raise AssertionError(point["kind"])


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


def loads(part: Part) -> bool:
    """Whether a controller of these tests goes on with a load on a part."""
    names = [one.name for one in threading.enumerate()]
    return any(name.startswith("load ") and name.endswith(f":{part.name}") for name in names)


def problem(status: int, slug: str, title: str = "") -> Answer:
    return Answer(status, json.dumps({"type": f"https://x.invalid/{slug}", "title": title or slug}).encode())


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

    def tell_fault(self, part: str, identifier: str, fault: FaultSpec) -> None:
        self._step()
        super().tell_fault(part, identifier, fault)
        self._step()

    def forget_fault(self, part: str, identifier: str) -> None:
        self._step()
        super().forget_fault(part, identifier)
        self._step()


class MemoryRules(AlertRules):
    """The real files in a folder of their own; what changes them are steps."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._temporary = TemporaryDirectory()
        folder = Path(self._temporary.name)
        super().__init__(folder)
        self._step = step
        rules = [{"alert": name, "expr": "up == 0"} for name in ("JourneyDown", "PartDown")]
        (folder / "own.rules.yml").write_text(json.dumps({"groups": [{"name": "own", "rules": rules}]}))

    def take_out(self, alert: str) -> None:
        self._step()
        super().take_out(alert)
        self._step()

    def put_back(self) -> None:
        self._step()
        super().put_back()
        self._step()

    def add(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._step()
        super().add(rules)
        self._step()

    def remove_added(self) -> None:
        self._step()
        super().remove_added()
        self._step()

    def read(self) -> dict[str, str]:
        """The alerts that are in the files: those that were added fire."""
        return {
            alert: "firing" if path.name == ADDED else "inactive"
            for path in self._folder.glob("*.rules.yml")
            for alert in re.findall(r'"alert": "(\w+)"', path.read_text())
        }


class MemoryTokenKey(TokenKey):
    """A real file in a folder of its own; what takes it away and brings it back are steps."""

    def __init__(self, step: Callable[[], None]) -> None:
        self._temporary = TemporaryDirectory()
        folder = Path(self._temporary.name)
        (folder / KEYS_FILE).write_text('{"current": "one", "keys": {"one": "secret"}}')
        super().__init__(folder)
        self._step = step

    def lose(self) -> None:
        self._step()
        super().lose()
        self._step()

    def restore(self) -> None:
        self._step()
        super().restore()
        self._step()


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
    journeys: Mapping[str, JourneyRow] = field(default_factory=dict)
    """What the prober says of users; empty: nothing."""

    def controller(self) -> Injector:
        """A controller that takes up what the one before left."""
        self.lose_controller()
        journal = SteppingJournal.open(self.folder / "chaos" / "journal.ndjson", patience=2.0)
        journal.site = self.site
        self.journal = journal
        self.injector = Injector(lambda: self.site, journal, self.ledger, journeys=lambda: self.journeys)
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
    monkeypatch.setattr(chaos.faults.instance.cpu_burn, "_LOOK", 0.005)
    monkeypatch.setattr(chaos.faults.instance.loop_blocked, "_OF_A_PAUSE", 0.01)
    monkeypatch.setattr(chaos.faults.instruments.scrape_fault, "SCRAPE_TIMEOUT", 0.02)


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
