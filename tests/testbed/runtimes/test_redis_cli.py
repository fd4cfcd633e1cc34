"""Our own redis-cli, as the start scripts and the health checks call it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from toys import free_port, wait_until

from testbed.runtimes.ports import accepts
from testbed.runtimes.processes import programs
from testbed.runtimes.processes.resp import ReplyError, ask


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    number = free_port()
    server = programs.find("redis-server", {})
    assert server is not None
    words = [server, "--port", str(number), "--save", "", "--user", "known", "on", ">password", "~*", "+@all"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts("127.0.0.1", number), "the server listens")
        yield number
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(programs, "find", lambda name, environment: None)
    programs.write_links(tmp_path / "bin", {})
    return tmp_path / "bin" / "redis-cli"


def run(client: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **environment}
    return subprocess.run([client, *words], env=environment, capture_output=True, text=True, timeout=10)


def test_answers_are_printed_one_element_a_line(client: Path, port: int) -> None:
    assert run(client, "-p", str(port), "ping").stdout == "PONG\n"
    assert run(client, "-h", "127.0.0.1", "-p", str(port), "rpush", "list", "a b", "c").stdout == "2\n"
    assert run(client, "-p", str(port), "lrange", "list", "0", "-1").stdout == "a b\nc\n"
    assert run(client, "-p", str(port), "get", "absent").stdout == "\n"


def test_failures_have_a_code_and_a_reason(client: Path, port: int) -> None:
    refused = run(client, "-p", str(free_port()), "ping")
    assert refused.returncode == 1
    assert "redis-cli: " in refused.stderr
    wrong = run(client, "-p", str(port), "get")
    assert wrong.returncode == 1
    assert "wrong number of arguments" in wrong.stderr
    unknown = run(client, "--cluster", "ping")
    assert unknown.returncode == 1
    assert "Traceback" not in refused.stderr + wrong.stderr + unknown.stderr


def test_a_user_shows_its_password(client: Path, port: int) -> None:
    words = ("-p", str(port), "--user", "known", "acl", "whoami")
    assert run(client, *words, REDISCLI_AUTH="password").stdout == "known\n"
    refused = run(client, *words, REDISCLI_AUTH="wrong")
    assert refused.returncode == 1
    assert "WRONGPASS" in refused.stderr


def test_asking_without_a_process(port: int) -> None:
    assert ask("127.0.0.1", port, ["ECHO", "ü"]) == "ü"
    role = ask("127.0.0.1", port, ["ROLE"])
    assert isinstance(role, list)
    assert role[0] == "master"
    with pytest.raises(ReplyError, match="unknown command"):
        ask("127.0.0.1", port, ["NOPE"])
