"""Faults as plain functions with JSON arguments, so that the Chaos Toolkit can call them as actions and
rollbacks.

    {"type": "action", "name": "kill-post", "provider": {"type": "python", "module": "chaos.actions",
     "func": "inject", "arguments": {"fault": "kill", "target": "post@east", "seconds": 10}}}

`state` is the folder of the site; without it FAILWHALE_STATE counts, or `.failwhale`.
"""

from __future__ import annotations

from typing import Any

from chaos.client import Client
from chaos.engine import DEFAULT_SECONDS, Request, new_id
from chaos.heal import heal as heal_site
from chaos.heal import refuse_unhealed
from failwhale.failure import INCONCLUSIVE, Failure
from failwhale.state import State


def inject(
    fault: str,
    target: str,
    seconds: float = DEFAULT_SECONDS,
    parameters: dict[str, Any] | None = None,
    seed: int = 0,
    wait: bool = False,
    state: str | None = None,
) -> dict[str, Any]:
    """Begin a fault; returns it once it is proved, or with `wait` once it is over. It ends by itself.

    Raises Failure when it is refused, or is not proved to bite: a fault that does nothing proves nothing.
    """
    client = Client(_state(state))
    request = Request(fault, target, seconds, parameters or {}, seed, new_id(fault))
    client.order(request)
    now = list(client.watch(request.id, _is_over if wait else _is_judged))[-1]
    if now["proved"] is not True:
        raise Failure(f"{request.id} was not proved to bite", "see: failwhale chaos active", INCONCLUSIVE)
    return now


def end(fault_id: str, state: str | None = None) -> dict[str, Any]:
    """End a fault before its time; returns it once it is gone, or found to be unknown."""
    client = Client(_state(state))
    client.end(fault_id)
    return list(client.watch(fault_id, _is_over))[-1]


def heal(state: str | None = None) -> dict[str, Any]:
    """Undo everything, with nothing else alive if need be. Raises Failure when something cannot be
    restored."""
    result = heal_site(_state(state))
    refuse_unhealed(result)
    return result


def _state(path: str | None) -> State:
    return State.from_environment() if path is None else State(path)


def _is_over(fault: dict[str, Any]) -> bool:
    return all(one["gone"] is not None for one in fault["targets"])


def _is_judged(fault: dict[str, Any]) -> bool:
    return all(one["evidence"] or one["failed"] or one["gone"] is not None for one in fault["targets"])
