"""What the parts in memory answer, as their injection points have it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http.client import IncompleteRead
from math import inf
from typing import TYPE_CHECKING, Any

from memory_site.parts import ROUTES, UNKNOWN
from outages.journey_names import NAMES as NAMES_OF_JOURNEYS
from services.platform.configuration.document import Document
from services.platform.injection.spec import OF_ANSWERS, OF_CONTENTS, OF_ROADS
from testbed.control import Answer, Silent, Unreachable, WasReset
from testbed.inventory import Part

if TYPE_CHECKING:
    from memory_site.site import MemorySite


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
        capacity = held.values.get(f"capacity.{self.part.place}") if self.part.service == "frontend" else None
        if path.endswith("/followers") and capacity:
            return problem(503, "overloaded")
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
