"""The Alertmanager of a site, asked and told by its API (v2): which alerts are silenced, and by whom."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Any

from foundation.clock import stamp
from foundation.failure import Failure
from testbed.control import Answer, Control, Unreachable
from testbed.inventory import Part

SERVICE = "alertmanager"
ASKED_WITHIN = 2.0


@dataclass(frozen=True)
class Silence:
    """Keeps who would be paged for an alert from being paged."""

    id: str
    alert: str
    """Empty where it is not about one alert by its name."""
    by: str


class Alertmanager:
    """One that may not answer: then every verb raises Failure with the next step."""

    def __init__(self, part: Part, tls: ssl.SSLContext) -> None:
        self.part = part
        self._control = Control(*part.address(), tls, timeout=ASKED_WITHIN)

    def silence(self, alert: str, seconds: float, by: str, why: str) -> str:
        """Silence an alert, whatever its other labels, for so long; returns the silence's id."""
        now = time.time()
        body = {
            "matchers": [{"name": "alertname", "value": alert, "isRegex": False, "isEqual": True}],
            "startsAt": stamp(now),
            "endsAt": stamp(now + seconds),
            "createdBy": by,
            "comment": why,
        }
        return str(self._ask("POST", "/api/v2/silences", body).json()["silenceID"])

    def silences(self) -> list[Silence]:
        """Those in force."""
        found = self._ask("GET", "/api/v2/silences").json()
        return [
            Silence(one["id"], _alert(one["matchers"]), one["createdBy"])
            for one in found
            if one["status"]["state"] == "active"
        ]

    def end(self, silence: Silence) -> None:
        """End a silence before its time."""
        self._ask("DELETE", f"/api/v2/silence/{silence.id}")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        name = self.part.name
        try:
            answer = self._control.ask(method, path, body)
        except Unreachable as error:
            raise Failure(f"{name} does not answer: {error}", f"failwhale ops restart {name}") from None
        if answer.status != 200:
            said = answer.body.decode(errors="replace").strip()
            raise Failure(f"{name} refuses: {said or answer.status}", f"see: failwhale logs {name}")
        return answer


def _alert(matchers: list[dict[str, Any]]) -> str:
    return next((str(one["value"]) for one in matchers if one["name"] == "alertname"), "")
