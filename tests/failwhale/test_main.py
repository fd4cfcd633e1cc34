"""The command as a person runs it: as a process."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import pty
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from site_files import before_versions

from failwhale.verbs import VERBS, load
from foundation.state import State
from testbed.runtimes.processes import sitefile

TOYS = Path(__file__).parents[1] / "testbed" / "runtimes" / "toy" / "docker-compose.yml"


class Command:
    def __init__(self, state: Path) -> None:
        self.state = state
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])

    def environment(self, **settings: str) -> dict[str, str]:
        settings = {"FAILWHALE_STATE": str(self.state), "NO_COLOR": "1", "COLUMNS": "120", **settings}
        return {**os.environ, **settings}

    def start(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "failwhale", *words],
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **settings: str) -> tuple[int, str, str]:
        process = self.start(*words, **settings)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def up(self, *words: str) -> tuple[int, str, str]:
        return self.run("up", "--file", str(TOYS), "--port", f"east={self.port}", *words)

    def processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                alive = process.status() != psutil.STATUS_ZOMBIE
                if alive and process.environ().get("FAILWHALE_STATE") == str(self.state):
                    found.append(process)
            except psutil.Error:
                continue
        return found


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "state")
    yield command
    while left := command.processes():  # again and again: a supervisor restarts what is killed before it
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_up_status_logs_down(command: Command) -> None:
    code, out, err = command.up()
    assert (code, out) == (0, f"east  https://localhost:{command.port}\n")
    assert "all parts ready after" in err

    code, out, _ = command.run("status", "--json")
    status = json.loads(out)
    assert code == 0
    assert (status["runtime"], status["state"]) == ("processes", str(command.state))
    keys = {"name", "service", "place", "role", "pid", "address", "ready", "release", "memory_bytes"}
    assert [keys <= set(part) for part in status["parts"]] == [True] * 3
    assert status["memory_bytes"] > 1_000_000

    code, out, _ = command.run("status")
    assert code == 0
    assert out.splitlines()[1].split()[:2] == ["toy@east", "ready"]

    code, out, _ = command.run("logs", "toy@east")
    assert (code, out) == (0, "toy east runs\n")

    code, _, err = command.up()
    assert code == 0
    assert "up already" in err

    code, _, err = command.run("down", "--purge")
    assert (code, err) == (0, "everything is down\n")
    assert command.processes() == []
    assert not command.state.exists()


def test_up_starts_what_is_missing(command: Command) -> None:
    command.up("--without", "toy@west", "--quiet")
    code, _, err = command.up()
    assert code == 0
    assert "starting toy@west" in err
    _, out, _ = command.run("status", "--json")
    assert [part["ready"] for part in json.loads(out)["parts"]] == [True] * 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_up_takes_everything_down(command: Command, number: signal.Signals) -> None:
    # A part that crashes for ever keeps `up` waiting.
    words = ["up", "--file", str(TOYS), "--port", f"east={command.port}"]
    process = command.start(*words, TOY_CRASH="1")
    end = time.monotonic() + 20
    while not (command.state / "logs" / "toy@west.log").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "everything is down again" in err
    assert command.processes() == []


def test_up_names_what_is_not_ready_in_time(command: Command) -> None:
    words = ["up", "--file", str(TOYS), "--port", f"east={command.port}", "--within", "4s"]
    code, _, err = command.run(*words, TOY_CRASH="1")
    assert code == 1
    assert "not ready in time: toy@west restarting (exited with code 3)" in err
    assert "failwhale logs toy@west" in err
    assert command.run("down")[0] == 0
    assert command.processes() == []


def test_a_taken_port(command: Command) -> None:
    with socket.create_server(("127.0.0.1", command.port)):
        code, out, err = command.up()
    assert (code, out) == (1, "")
    assert f"port {command.port}, which toy@east needs, is taken by" in err
    assert f"(pid {os.getpid()})" in err
    assert "failwhale up --port east=" in err
    assert len(err.splitlines()) == 3  # which runtime and why, what is wrong, what to do


def test_the_command_that_is_given_for_a_taken_port_works(command: Command) -> None:
    with socket.create_server(("127.0.0.1", command.port)):
        _, _, err = command.up("--without", "toy@west", "--within", "50s")
        offered = shlex.split(err.splitlines()[-1].partition(": ")[2])
        assert offered[:2] == ["failwhale", "up"]
        assert offered[4:] == [
            *("--state", str(command.state), "--without", "toy@west", "--within", "50s", "--file", str(TOYS))
        ]
        assert command.run(*offered[1:])[0] == 0


def test_dry_run_starts_nothing(command: Command) -> None:
    code, out, _ = command.up("--dry-run", "--json")
    assert code == 0
    outlook = json.loads(out)
    assert [part["name"] for part in outlook["parts"]] == ["genesis", "toy@east", "toy@west", "script"]
    assert {"service": "toy-east", "key": "image"} in outlook["set_aside"]
    assert not command.state.exists()


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (["up", "--on", "mars"], 2, "no runtime is named 'mars'"),
        (["up", "--port", "east"], 2, "not of the form NAME=PORT"),
        (["up", "--port", "north=1234"], 2, "no port is named 'north'"),
        (["up", "--file", "/absent.yml"], 2, "there is no /absent.yml"),
        (["up", "--port", "east=99999"], 2, "99999 is no port: choose 1 to 65535"),
        (["up", "--port", "east=28443", "--port", "west=28443"], 2, "east and west ask for the same port"),
        (["up", "--port", "east=9443"], 2, "east and west ask for the same port"),
        (["up", "--without", "nobody"], 2, "no part is named 'nobody'"),
        (["up", "--without", "psot@east"], 2, "did you mean post@east?"),
        (["up", "--within", "-1s"], 2, "is not a duration"),
        (["status"], 3, "there is no site in"),
        (["logs"], 1, "there are no logs in"),
        (["open"], 3, "there is no site in"),
        (["upp"], 2, "No such command 'upp'. Did you mean 'up'?"),
        (["down"], 0, "there is no site in"),
    ],
)
def test_errors_are_one_line_and_a_next_step(
    command: Command, words: list[str], code: int, cause: str
) -> None:
    ended, out, err = command.run(*words)
    assert (ended, out) == (code, "")
    assert cause in err
    assert len(err.splitlines()) <= 2
    assert not command.state.exists()


@pytest.mark.parametrize("words", [[], ["chaos"], ["chaos", "--help"]])
def test_who_asks_for_nothing_gets_help(command: Command, words: list[str]) -> None:
    code, out, err = command.run(*words)
    assert (code, err) == (0, "")
    assert "Usage: failwhale" in out


def test_purge_removes_no_folder_that_is_not_a_site(command: Command) -> None:
    command.state.mkdir()
    (command.state / "thesis.txt").write_text("the only copy")
    code, _, err = command.run("down", "--purge")
    assert code == 2
    assert "nothing is removed" in err
    assert (command.state / "thesis.txt").exists()


def test_up_refuses_a_folder_that_holds_other_things(command: Command) -> None:
    command.state.mkdir()
    (command.state / "thesis.txt").write_text("the only copy")
    code, _, err = command.up()
    assert code == 2
    assert "holds other things (thesis.txt) and no site" in err
    assert "--state" in err.splitlines()[1]
    assert [entry.name for entry in command.state.iterdir()] == ["thesis.txt"]


def test_up_and_purge_after_a_demo(command: Command) -> None:
    """The demo leaves its report in `.failwhale/`, and no site."""
    command.state = command.state / ".failwhale"
    command.state.joinpath("reports").mkdir(parents=True)
    command.state.joinpath("reports", "demo.html").touch()
    assert command.up("--quiet")[0] == 0
    assert command.run("down")[0] == 0
    command.state.joinpath("site.json").unlink()
    assert command.run("down", "--purge")[0] == 0
    assert [file.name for file in command.state.rglob("*")] == ["reports", "demo.html"]


def test_a_purge_says_what_it_removed_and_keeps_reports(command: Command) -> None:
    assert command.up("--quiet")[0] == 0
    command.state.joinpath("reports").mkdir()
    command.state.joinpath("reports", "friday.html").touch()
    assert command.run("down")[0] == 0
    code, _, err = command.run("down", "--purge")
    assert code == 0
    assert f"removed: the data, the record and the logs of the site in {command.state}" in err
    assert f"its reports stay: {command.state}/reports" in err
    assert [file.name for file in command.state.rglob("*")] == ["reports", "friday.html"]
    assert command.up("--quiet")[0] == 0, "what is left is nobody else's"
    command.state.joinpath("reports", "friday.html").unlink()
    assert command.run("down", "--purge")[0] == 0
    assert not command.state.exists()


def test_a_site_of_an_older_version_is_refused_until_it_is_purged(command: Command) -> None:
    command.up("--quiet")
    state = State(command.state)
    supervisor = sitefile.supervisor(state)
    before_versions(state)
    for words in (["status"], ["down"], ["up", "--file", str(TOYS)]):
        code, _, err = command.run(*words)
        assert code == 1
        assert "was written by an older failwhale" in err
        assert "failwhale down --purge" in err.splitlines()[1]
    assert command.run("down", "--purge")[0] == 0
    assert not command.state.exists()
    assert supervisor is not None
    assert not supervisor.is_alive()


@pytest.mark.parametrize("words", [["up"], ["down", "--purge"]])
@pytest.mark.parametrize("folder", ["/dev/null", "/dev/null/site"])
def test_a_state_folder_that_cannot_be_one(command: Command, words: list[str], folder: str) -> None:
    code, _, err = command.run(*words, FAILWHALE_STATE=folder)
    assert code == 2
    assert f"failwhale: {folder} cannot be the state folder: not a directory" in err
    assert "choose another with --state" in err


def test_another_port_on_a_running_site(command: Command) -> None:
    command.up("--quiet")
    code, _, err = command.run("up", "--file", str(TOYS), "--port", f"east={command.port - 1}")
    assert code == 1
    assert f"the port of east cannot change while the site runs: it is {command.port}" in err
    assert "failwhale down" in err


def test_interrupted_at_a_terminal(command: Command) -> None:
    """What moves is taken away before what stays is said."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "failwhale", "up", "--file", str(TOYS), "--port", f"east={command.port}"],
        env=command.environment(TOY_CRASH="1", TERM="xterm"),
        stderr=theirs,
    )
    os.close(theirs)
    end = time.monotonic() + 20
    while not (command.state / "logs" / "toy@west.log").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    shown = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while more := os.read(ours, 1000):
            shown += more
    os.close(ours)
    assert process.wait(timeout=20) == 130
    assert shown.decode().endswith("\r\x1b[Kfailwhale: interrupted, and everything is down again\r\n")
    assert shown.count(b"interrupted") == 1


def test_version(command: Command) -> None:
    assert command.run("--version") == (0, f"failwhale {importlib.metadata.version('failwhale')}\n", "")


def test_help_is_fast_and_loads_nothing(command: Command) -> None:
    code, out, _ = command.run("--help")
    assert code == 0
    assert all(name in out for name in VERBS)
    heavy = (
        "import sys; from failwhale import verbs; from foundation import console; "
        "console.run(verbs.app, 'failwhale', ['--help'])"
    )
    check = (
        f"{heavy}; print([m for m in ('yaml', 'psutil', 'fastapi', 'locust', 'httpx') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert loaded.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ["status", "chaos", "outages", "incident", "ops", "config"])
def test_what_is_typed_in_an_outage_does_without_the_web_framework(name: str) -> None:
    check = (
        f"import sys; from failwhale.verbs import VERBS, load; load(VERBS[{name!r}], {name!r}); "
        "print([m for m in ('fastapi', 'starlette', 'httpx', 'locust', 'docker') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


@pytest.mark.parametrize("name", list(VERBS))
def test_every_verb_loads_and_its_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    load(VERBS[name], name).main(["--help"], prog_name=f"failwhale {name}", standalone_mode=False)
    assert f"failwhale {name}" in capsys.readouterr().out.split("Usage:")[1].split("\n", 1)[1]
