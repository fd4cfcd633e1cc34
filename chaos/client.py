"""Talking to the chaos controller, which may be killed and come back at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, cast

from chaos.fault_rows import FaultRow
from chaos.injector import Request, new_id
from foundation.failure import FAILED, NOT_RESTORED, Failure
from foundation.state import State
from foundation.user import user
from testbed.control import Answer, Control, Unreachable, operators_tls
from testbed.inventory import Inventory
from testbed.sitefile import refuse_down

PART = "chaos"
PATIENCE = 15.0
"""Seconds for a killed controller's successor to answer."""
SETTLE_LIMIT = 30.0
"""Seconds after a fault's limit by which the controller must have settled it."""
_POLL = 0.1


class NoController(Failure):
    """No controller answers."""


class UnknownFault(Failure):
    """The controller knows no fault of this id."""


class Client:
    """The controller of one site.

    Methods raise Failure for what it refuses, and NoController when none answers; those that say so wait for
    a successor first.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def order(self, request: Request) -> FaultRow:
        """Begin a fault; waits for a successor, and asking again is safe because the request has its id."""
        return cast(FaultRow, self._patiently("POST", "/faults", _body(request)))

    def look_ahead(self, request: Request) -> None:
        """Nothing when a fault would be begun. Raises Failure when it would be refused."""
        self._ask("POST", "/faults/look-ahead", _body(request))

    def fault(self, identifier: str) -> FaultRow:
        """A fault as it is now; waits for a successor."""
        return cast(FaultRow, self._patiently("GET", f"/faults/{identifier}"))

    def faults(self) -> list[FaultRow]:
        """Every fault, past ones included."""
        return list(self._ask("GET", "/faults")["faults"])

    def end(self, identifier: str) -> FaultRow:
        """End a fault now; waits for a successor, and returns before the fault is over."""
        return cast(FaultRow, self._patiently("DELETE", f"/faults/{identifier}"))

    def heal(self, ids: Collection[str] | None = None) -> list[FaultRow]:
        """End every fault, or those of these ids that are not over; returns them when all are settled."""
        body = None if ids is None else {"faults": list(ids)}
        return list(self._ask("POST", "/heal", body, timeout=90.0)["faults"])

    def block(self) -> list[FaultRow]:
        """Refuse new faults and end every one; returns them when all are settled."""
        return list(self._ask("POST", "/block", timeout=90.0)["faults"])

    def unblock(self) -> None:
        """Take orders again."""
        self._ask("DELETE", "/block")

    def watch(
        self,
        identifier: str,
        until: Callable[[FaultRow], bool],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Iterator[FaultRow]:
        """The fault each time that it has changed, up to the one for which `until` holds.

        `meanwhile` is called several times a second while nothing changes, for who draws a countdown.
        Raises Failure (not restored) when that takes longer than the fault's limit and a generous while.
        """
        seen: FaultRow | None = None
        end: float | None = None
        while True:
            now = self.fault(identifier)
            if now != seen:
                seen = now
                yield now
            if until(now):
                return
            end = end or time.monotonic() + now["seconds"] + SETTLE_LIMIT
            if time.monotonic() > end:
                raise Failure(f"{identifier} does not end", "failwhale chaos heal", NOT_RESTORED)
            meanwhile()
            time.sleep(_POLL)

    # --- asking ---

    def _patiently(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._ask(method, path, body)
            except NoController:
                if time.monotonic() > end:
                    raise
                time.sleep(_POLL)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, timeout: float = 5.0) -> Any:
        control = self._control(timeout)
        try:
            # Whether somebody is there is asked with little patience; the work itself may take its time.
            if timeout > 5.0:
                self._control(2.0).ask("GET", "/-/health")
            return _content(control.ask(method, path, body))
        except Unreachable as silence:
            raise NoController(
                f"no chaos controller answers ({silence})",
                "see: failwhale status, failwhale up",
            ) from None

    def _control(self, timeout: float) -> Control:
        refuse_down(self._state)
        host, port = Inventory.of(self._state).address(PART)
        try:
            tls = operators_tls(self._state)
        except OSError as error:
            raise Failure(
                f"the operators' certificate cannot be read: {error}", "start the site: failwhale up"
            ) from None
        return Control(host, port, tls, self._state.token, timeout)


def _content(answer: Answer) -> Any:
    if answer.status < 300:
        return answer.json() if answer.body else {}
    if answer.status == 404:
        raise UnknownFault(answer.detail, "see: failwhale chaos active")
    try:
        problem = dict(answer.json())
    except ValueError:
        problem = {}
    raise Failure(
        str(problem.get("detail") or f"the chaos controller answers: {answer.detail}"),
        str(problem.get("next_step", "")),
        int(problem.get("exit_code", FAILED)),
    )


def _body(request: Request) -> dict[str, object]:
    return {
        "id": request.id or new_id(request.fault),
        "fault": request.fault,
        "target": request.target,
        "from": request.from_selector,
        "seconds": request.seconds,
        "parameters": dict(request.parameters),
        "seed": request.seed,
        "reason": request.reason,
        "asked_by": request.asked_by or user(),
        "intensity": request.intensity,
        "stop_when": request.stop_when,
    }
