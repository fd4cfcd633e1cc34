"""Root is given up where it is found, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.runtimes.docker.privileges import USER, drop
from failwhale.failure import Failure

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
WHO = """
import os
from chaos.runtimes.docker.privileges import drop
drop()
print(os.getresuid(), os.getresgid(), os.getgroups())
"""


def who(tmp_path: Path, owner: int) -> str:
    """Who a process is that begins as root with this owner of its state folder, and drops."""
    os.chown(tmp_path, owner, owner)
    socket = tmp_path / "docker.sock"
    socket.touch()
    os.chown(socket, 0, 4711)
    environment = {**os.environ, "ENGINE": f"unix://{socket}", "STATE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", WHO], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@as_root
def test_in_the_container_root_becomes_the_sites_user_in_the_sockets_group(tmp_path: Path) -> None:
    assert who(tmp_path, USER) == f"({USER}, {USER}, {USER}) ({USER}, {USER}, {USER}) [4711]"


@as_root
def test_outside_of_it_root_stays_root(tmp_path: Path) -> None:
    assert who(tmp_path, 0).startswith("(0, 0, 0)")


def test_without_an_engine_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "setuid", lambda number: pytest.fail("it was changed"))
    drop({})
    drop({"ENGINE": "unix:///var/run/docker.sock", "STATE": "/nowhere"})


def test_a_container_that_may_not_change_its_user_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(groups: list[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "setgroups", refuse)
    monkeypatch.setattr("chaos.runtimes.docker.privileges.USER", tmp_path.stat().st_uid)
    with pytest.raises(Failure, match="may not give up root") as failure:
        drop({"ENGINE": "unix:///nowhere.sock", "STATE": str(tmp_path)})
    assert "SETUID" in failure.value.next_step
