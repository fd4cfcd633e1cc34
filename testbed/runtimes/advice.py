"""What to do next when a start went wrong, with the state folder where it must be named."""

from __future__ import annotations

from foundation.console import DEFAULT_STATE
from foundation.state import State


def how_to_stop(state: State) -> str:
    """For a start that went half-way."""
    return f"stop what runs: failwhale down{_state_option(state)}"


def see_logs(state: State, part: str) -> str:
    """For a part that does not become ready."""
    return f"see: failwhale logs {part}{_state_option(state)}; {how_to_stop(state)}"


def _state_option(state: State) -> str:
    return "" if state.path == DEFAULT_STATE.absolute() else f" --state {state.path}"
