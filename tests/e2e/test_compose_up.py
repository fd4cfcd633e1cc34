"""`docker compose up` in a clean clone, by somebody who has Docker and nothing else."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from clone_under_test import clone_to
from engine_under_test import compose_file, engine, left_of, remove_all_of
from on_docker import OnDocker

pytestmark = pytest.mark.parametrize("runtime", ["docker"], indirect=True)

GREEN_WITHIN = 60.0
"""Seconds from the command until every journey is green."""
MOST_MEMORY = 1.5e9
"""Bytes, of all containers but Grafana and Locust."""
GIVEN = {"grafana", "locust"}


class Clone(OnDocker):
    """A site that nobody starts by failwhale's own command."""

    project = "failwhale-e2e-clone"

    def compose(self, *words: str) -> None:
        done = subprocess.run(
            ["docker", "compose", *words],
            cwd=self.state,
            env={**self.environment, "COMPOSE_FILE": compose_file(), "COMPOSE_PROJECT_NAME": self.project},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
        )
        if done.returncode != 0:
            raise ComposeError(f"docker compose {' '.join(words)}:\n{done.stdout}{done.stderr}")

    def down(self) -> None:
        """Compose stops short of the volumes when the engine has miscounted who is on a network
        (moby/moby#42119), and removes them the next time."""
        for _ in range(3):
            try:
                self.compose("down", "-v")
                return
            except ComposeError as error:
                if "has active endpoints" not in str(error):
                    raise


class ComposeError(Exception):
    """Docker Compose failed; with all that it said."""


@pytest.fixture
def clone(runtime: str, tmp_path: Path) -> Iterator[Clone]:
    one = Clone(clone_to(tmp_path / "clone"))
    try:
        yield one
    finally:
        remove_all_of(one.project)


def memory_of(container: dict[str, Any]) -> int:
    """Bytes that a container uses, as `docker stats` counts them: without what is only cached."""
    memory = engine().api.stats(container["Id"], stream=False, one_shot=True)["memory_stats"]
    cached = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return int(memory["usage"] - cached)


def test_green_within_a_minute_small_and_gone(clone: Clone) -> None:
    begun = time.monotonic()
    clone.compose("up", "-d", "--wait")
    clone.wait_green(GREEN_WITHIN)
    took = time.monotonic() - begun
    assert took < GREEN_WITHIN, f"green after {took:.1f} s"

    running = {part: row for part, row in clone.containers().items() if row["State"] == "running"}
    with ThreadPoolExecutor(8) as together:
        used = dict(zip(running, together.map(memory_of, running.values()), strict=True))
    total = sum(memory for part, memory in used.items() if part not in GIVEN)
    assert total < MOST_MEMORY, {part: f"{memory / 1e6:.0f} MB" for part, memory in used.items()}
    print(f"green after {took:.1f} s, {total / 1e6:.0f} MB")

    clone.down()
    assert left_of(clone.project) == []
