"""The part as a process: it starts, is healthy, freezes visibly, and ends when told to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.link import healthcheck
from services.platform import genesis

GRACE_SECONDS = 3.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the link does not work"
        time.sleep(0.02)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nobody listens at the other end."""
    genesis.make_certificates(tmp_path, ["link-east"])
    (tmp_path / "token").write_text("secret")
    return {
        "SERVICE": "link",
        "PLACE": "east",
        "LISTEN": f"127.0.0.1:{free_port()}",
        "PKI": str(tmp_path),
        "SECRETS": str(tmp_path),
        "ROUTES": f"127.0.0.1:{free_port()}=127.0.0.1:{free_port()}",
    }


@pytest.fixture
def link(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "services.link"], env={**os.environ, **environment}, stderr=subprocess.PIPE
    ) as process:
        try:
            wait_until(lambda: healthcheck.check(environment)[0])
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told_to(link, how):
    began = time.monotonic()
    link.send_signal(how)
    assert link.wait(GRACE_SECONDS) == 0
    assert time.monotonic() - began < GRACE_SECONDS
    assert b"Traceback" not in link.stderr.read()


def test_a_frozen_one_is_not_healthy(link, environment, monkeypatch):
    monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.5)
    link.send_signal(signal.SIGSTOP)
    works, reason = healthcheck.check(environment)
    assert not works
    assert "does not answer" in reason
    link.send_signal(signal.SIGCONT)
    wait_until(lambda: healthcheck.check(environment)[0])


def test_a_dead_one_is_not_healthy(environment, capsys, monkeypatch):
    monkeypatch.setenv("ROUTES", environment["ROUTES"])
    with pytest.raises(SystemExit) as leaving:
        healthcheck.main()
    assert leaving.value.code == 1
    assert "does not answer" in capsys.readouterr().err


def test_an_address_that_is_taken_is_said_in_one_line(link, environment):
    second = subprocess.run(
        [sys.executable, "-m", "services.link"],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=20,
    )
    assert second.returncode == 1
    assert second.stderr.count(b"\n") == 1
    assert b"link cannot start" in second.stderr


def test_it_imports_little():
    """In a container it has a few megabytes."""
    program = "import services.link.__main__, sys; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"fastapi", "starlette", "redis", "cryptography"} & set(said.stdout.split())
