"""The logs of containers, from an engine that tells them in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest
from site_files import record, write_site

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.docker.connection import EngineConnection
from testbed.runtimes.docker.logs import ContainerLogs
from testbed.runtimes.log_line import Line


class FakeEngine:
    """One container that says two lines, ends, and says one more when it is back."""

    def __init__(self) -> None:
        self.told_since: list[datetime | None] = []

    def log(self, name: str, tail: int | None) -> str:
        lines = [f"{name} one", f"{name} two id-1", f"{name} three"]
        return "".join(f"{line}\n" for line in lines[-tail if tail else 0 :])

    def follow(self, name: str, since: datetime | None = None) -> Iterator[bytes]:
        self.told_since.append(since)
        if len(self.told_since) > 2:
            raise Failure("the engine is gone")
        yield from ((b"fi", b"rst\nsecond\n") if since is None else (b"third\n",))

    def container(self, name: str) -> dict[str, Any]:
        return {"State": {"Running": True, "StartedAt": "2026-11-21T07:00:00.123456789Z"}}


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path)
    rows = [record(f"post@{place}", container=f"site-post-{place}-1") for place in ("east", "west")]
    write_site(state, rows, on="docker")
    return state


def logs(state: State, part: str | None) -> ContainerLogs:
    return ContainerLogs(state, part, cast(EngineConnection, FakeEngine()))


def test_the_last_lines_of_one_and_of_all(state: State) -> None:
    assert logs(state, "post@east").last(1, None) == [Line("post@east", "site-post-east-1 three", UTC)]
    assert logs(state, None).last(1, None) == [
        Line("post@east", "site-post-east-1 three", UTC),
        Line("post@west", "site-post-west-1 three", UTC),
    ]


def test_all_about_one_request(state: State) -> None:
    lines = logs(state, "post@east").last(None, "id-1")
    assert [line.text for line in lines] == ["site-post-east-1 two id-1"]


def test_following_goes_on_when_the_container_is_back(state: State) -> None:
    lines = islice(logs(state, "post@east").follow(None), 3)
    assert [line.text for line in lines] == ["first", "second", "third"]


def test_following_ends_with_the_engine(state: State) -> None:
    with pytest.raises(Failure, match="the engine is gone"):
        list(logs(state, "post@east").follow(None))


def test_an_unknown_part_lists_what_exists(state: State) -> None:
    with pytest.raises(Failure, match="'nobody'") as failure:
        logs(state, "nobody")
    assert "post@east, post@west" in failure.value.next_step
