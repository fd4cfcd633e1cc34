"""Root is given up where it is found, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.failure import Failure
from testbed.runtimes.docker.privileges import USER, drop

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
WHO = """
import os
from testbed.runtimes.docker.privileges import drop
drop()
print(os.getresuid(), os.getresgid(), os.getgroups())
"""


def who(tmp_path: Path, owner: int) -> str:
    """Who a process is that begins as root with this owner of its state folder, and drops; or its refusal."""
    os.chown(tmp_path, owner, owner)
    socket = tmp_path / "docker.sock"
    socket.touch()
    os.chown(socket, 0, 4711)
    environment = {**os.environ, "ENGINE": f"unix://{socket}", "STATE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", WHO], env=environment, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


@as_root
def test_in_the_container_root_becomes_the_sites_user_in_the_sockets_group(tmp_path: Path) -> None:
    assert who(tmp_path, USER) == f"({USER}, {USER}, {USER}) ({USER}, {USER}, {USER}) [4711]"


@as_root
@pytest.mark.parametrize("owner", [0, 1000])
def test_with_a_foreign_state_folder_it_does_not_go_on_as_root(tmp_path: Path, owner: int) -> None:
    said = who(tmp_path, owner)
    assert f"{tmp_path} belongs to user {owner}, and not to the site's user {USER}" in said


@pytest.mark.parametrize("folder", ["/nowhere", ""])
def test_why_it_refuses_and_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    for step in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, step, lambda _: pytest.fail("it became somebody else"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Failure) as failure:
        drop({"ENGINE": "unix:///var/run/docker.sock", "STATE": folder or str(tmp_path)})
    assert (folder or str(tmp_path)) in failure.value.message
    assert f"chown -R {USER}:{USER}" in failure.value.next_step


@as_root
@pytest.mark.parametrize("environment", [{"STATE": "/nowhere"}, {"ENGINE": "unix:///nowhere.sock"}])
def test_outside_of_it_root_stays_root(environment: dict[str, str]) -> None:
    drop(environment)
    assert os.geteuid() == 0


def test_without_an_engine_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "setuid", lambda number: pytest.fail("it was changed"))
    drop({})
    monkeypatch.setattr(os, "geteuid", lambda: USER)
    drop({"ENGINE": "unix:///var/run/docker.sock", "STATE": "/nowhere"})


def test_a_container_that_may_not_change_its_user_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(groups: list[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "setgroups", refuse)
    monkeypatch.setattr("testbed.runtimes.docker.privileges.USER", tmp_path.stat().st_uid)
    with pytest.raises(Failure, match="may not give up root") as failure:
        drop({"ENGINE": "unix:///nowhere.sock", "STATE": str(tmp_path)})
    assert "SETUID" in failure.value.next_step
