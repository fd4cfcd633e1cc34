"""What to do next when a start went wrong, with the state folder where it must be named."""

from __future__ import annotations

from foundation.state import State


def how_to_stop(state: State) -> str:
    """For a start that went half-way."""
    return f"stop what runs: failwhale down{state.option}"


def see_logs(state: State, part: str) -> str:
    """For a part that does not become ready."""
    return f"see: failwhale logs {part}{state.option}; {how_to_stop(state)}"
