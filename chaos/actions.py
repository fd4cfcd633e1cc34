"""Faults as plain functions with JSON arguments: actions and rollbacks for the Chaos Toolkit.

    {"type": "action", "name": "kill-post", "provider": {"type": "python", "module": "chaos.actions",
     "func": "inject", "arguments": {"fault": "kill", "target": "post@east", "seconds": 10}}}

docs/chaostoolkit.json is a whole experiment; chaos/probes.py has what it may ask.

`state` is the folder of the site; without it FAILWHALE_STATE counts, or `.failwhale`.
"""

from __future__ import annotations

from typing import Any

from chaos import following
from chaos.fault_rows import FaultRow
from chaos.heal import Healing, refuse_unhealed
from chaos.heal import heal as heal_site
from chaos.injector import DEFAULT_SECONDS, Request, new_id
from foundation.state import State


def inject(
    fault: str,
    target: str,
    seconds: float = DEFAULT_SECONDS,
    parameters: dict[str, Any] | None = None,
    seed: int = 0,
    wait: bool = False,
    state: str | None = None,
    from_selector: str | None = None,
    reason: str = "",
    intensity: int | None = None,
    stop_when: str = "",
) -> FaultRow:
    """Begin a fault; returns it once it is verified, or with `wait` once it is over. It ends by itself.

    `from_selector` says whose calls are hurt, for faults of calls: `frontend@east`; None: everybody's.
    `reason` is why, for the history. `intensity`, 1 to 10, stands for the parameters that say how strong
    it is. `stop_when` ends it early: `down > 6 journeys`.

    Raises Failure when it is refused, or its effect is not seen; and with `wait` when it could not be undone.
    """
    request = Request(
        fault,
        target,
        seconds,
        parameters or {},
        seed,
        new_id(fault),
        from_selector,
        reason,
        intensity=intensity,
        stop_when=stop_when,
    )
    now = following.begin(State.of(state), request, detach=not wait)
    following.judge(now, detached=not wait)
    return now


def end(fault_id: str, state: str | None = None) -> FaultRow:
    """End a fault before its time; returns it once it is over, or given up as unknown."""
    return following.end(State.of(state), fault_id)


def heal(state: str | None = None, what: str | None = None) -> Healing:
    """Undo everything, with nothing else alive if need be; or what one fault did, by its id; or all that was
    done to the parts of a selector. Raises Failure when something is left."""
    result = heal_site(State.of(state), what=what)
    refuse_unhealed(result)
    return result
