"""Sites of toys, gone at the end of each test whatever happened in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from toys import Toys

from foundation.state import State


@pytest.fixture
def new_toys(tmp_path: Path) -> Iterator[Callable[[str], Toys]]:
    """Makes sites that are not started yet."""
    made: list[Toys] = []

    def make(name: str = "site") -> Toys:
        made.append(Toys(State(tmp_path / name)))
        return made[-1]

    yield make
    for toys in made:
        toys.kill_everything()


@pytest.fixture
def toys(new_toys: Callable[[], Toys]) -> Toys:
    return new_toys()
