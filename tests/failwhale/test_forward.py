"""Commands for a site on Docker run inside: which ones, with which words, and what comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from site_files import write_site

from failwhale import call, forward
from failwhale.forward import order_of
from failwhale.main import main
from failwhale.verbs import VERBS
from foundation.failure import Failure
from foundation.version import VERSION
from testbed.runtimes.docker import host
from testbed.sitefile import ProcessesRecord, SupervisorRecord

LOCAL = {"demo", "up", "logs", "open", "down"}

# Answers what a controller's container would; `logs` and signals are real, on a state folder of their own.
FAKE = """#!/bin/sh
echo "$*" >>"$FAKE/calls"
case "$1" in
    ps) cat "$FAKE/containers"; exit ;;
    start) sed -i.old s/exited/running/ "$FAKE/containers"; exit ;;
    exec) shift ;;
esac
while [ "${1#--}" != "$1" ]; do shift; done
shift 2
case "$2 $3 $4" in
    "failwhale.call --signal "* | "failwhale.call "*" logs")
        FAILWHALE_STATE="$FAKE/inside" exec "$PYTHON" "$@"
        ;;
    "chaos.healthcheck "*) ;;
    *" report") echo "<html>the page</html>" ;;
    *" outages") [ "$5" != --json ] && echo "No outage." || echo "[]" ;;
    *" killed") exit 137 ;;
    *) shift 3; echo "inside: $*"; exit 5 ;;
esac
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of a site on Docker whose engine is a fake."""
    folder = tmp_path / "state"
    folder.mkdir()
    write_site(folder, on="docker")
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(FAKE)
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(tmp_path))
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("FAILWHALE_STATE", str(folder))
    controller_is(tmp_path, "running")
    return folder


def controller_is(folder: Path, state: str) -> None:
    (folder / "containers").write_text(f"c0ffee\tp-chaos-1\tchaos\t\t{state}\n" if state else "")


def failwhale(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "failwhale", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


# --- what is forwarded ---


def test_every_verb_is_either_forwarded_or_done_here() -> None:
    assert VERBS.keys() == forward.FORWARDED | LOCAL
    assert forward.OUTSIDE.keys() == LOCAL - {"logs"}
    assert not forward.FORWARDED & LOCAL


@pytest.mark.parametrize(
    "words", [["status", "--json"], ["chaos", "kill", "post@east"], ["watch", "--debug"]]
)
def test_a_verb_that_needs_the_site_goes_inside(site: Path, words: list[str]) -> None:
    order = order_of(words)
    assert order is not None
    assert (order.project, list(order.words)) == ("p", words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--version"],
        ["--debug"],
        ["up"],
        ["down", "--purge"],
        ["open"],
        ["logs", "post@east"],
        ["chaos"],
        ["chaos", "list"],
        ["chaos", "show", "kill"],
        ["ops"],
        ["ops", "list"],
        ["chaos", "kill", "--help"],
        ["nosuch"],
    ],
)
def test_the_others_are_done_here(site: Path, words: list[str]) -> None:
    assert order_of(words) is None


@pytest.mark.parametrize("how", [["--state", "{}"], ["--state={}"]])
def test_the_state_folder_stays_here(
    site: Path, how: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILWHALE_STATE", str(tmp_path / "another"))
    order = order_of(["outages", *(word.format(site) for word in how), "--json"])
    assert order is not None
    assert order.words == ("outages", "--json")
    assert order.state.path == site


def test_a_site_of_processes_and_no_site_are_done_here(site: Path) -> None:
    write_site(site)
    assert order_of(["status"]) is None
    (site / "site.json").unlink()
    assert order_of(["status"]) is None


def test_a_site_that_docker_compose_started_is_pointed_to(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".failwhale").mkdir()
    monkeypatch.setattr(host, "REPOSITORY", tmp_path)
    monkeypatch.setenv("FAILWHALE_STATE", str(tmp_path / ".failwhale"))
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=second\n")
    with pytest.raises(Failure, match="one is up on Docker") as raised:
        order_of(["status"])
    assert "compose.project=second" in (tmp_path / "calls").read_text()
    assert "failwhale up --on docker" in raised.value.next_step
    controller_is(tmp_path, "")
    assert order_of(["status"]) is None


@pytest.mark.parametrize("verb", sorted(forward.OUTSIDE))
def test_what_only_the_machine_can_do_is_refused_in_a_container_of_the_site(
    site: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    assert order_of([verb]) is None
    write_site(site, on="docker inside")
    monkeypatch.setenv("ENGINE", "unix:///var/run/docker.sock")
    with pytest.raises(Failure, match=f"failwhale {verb} is for the machine") as raised:
        order_of([verb])
    assert raised.value.next_step.startswith("on the machine: ")
    assert order_of([verb, "--help"]) is None
    assert order_of(["logs"]) is None


# --- what comes back ---


def test_words_output_and_exit_code(site: Path) -> None:
    done = failwhale("protections", "retries", "off")
    assert (done.returncode, done.stdout, done.stderr) == (5, "inside: protections retries off\n", "")


def test_the_environment_that_output_depends_on_is_handed_on(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "77")
    failwhale("score")
    called = (tmp_path / "calls").read_text()
    assert "--env=NO_COLOR=1 --env=COLUMNS=77" in called
    assert "--tty" not in called


def test_a_report_lands_here(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "friday.html"
    done = failwhale("report", "--output", str(file))
    assert (done.returncode, done.stdout) == (0, f"No outage.\npage: {file}\n")
    assert file.read_text() == "<html>the page</html>\n"
    done = failwhale("report", "--json")
    assert json.loads(done.stdout) == {"file": str(site / "reports" / "report.html"), "outages": []}
    assert (site / "reports" / "report.html").exists()
    assert failwhale("report", "--quiet", f"--output={file}").stdout == ""
    assert failwhale("report", "--output", "-").stdout == "<html>the page</html>\n"


@pytest.mark.parametrize(
    ("words", "code", "cause"),
    [
        (["--output", "/absent/x.html"], 1, "no such folder: /absent"),
        (["--output", "/"], 1, "cannot be written"),
        (["--output"], 2, "requires an argument"),
    ],
)
def test_a_report_that_cannot_be_written(site: Path, words: list[str], code: int, cause: str) -> None:
    done = failwhale("report", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert cause in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_ctrl_c_on_the_way_in_is_no_traceback(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*words: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(host, "docker", interrupt)
    monkeypatch.setattr(sys, "argv", ["failwhale", "status"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert capsys.readouterr().err == "failwhale: interrupted\n"


# --- when the inside is not there ---


def test_a_site_that_is_down(site: Path, tmp_path: Path) -> None:
    controller_is(tmp_path, "")
    done = failwhale("status")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"failwhale: the site in {site} is not up\n  start it: failwhale up\n"


def test_a_controller_that_is_down_is_started_by_heal_and_by_nothing_else(site: Path, tmp_path: Path) -> None:
    controller_is(tmp_path, "exited")
    done = failwhale("status")
    assert done.returncode == 1
    assert "p-chaos-1, is exited" in done.stderr
    assert "failwhale chaos heal" in done.stderr
    done = failwhale("chaos", "heal")
    assert "the controller's container is down: starting it" in done.stderr
    assert "start c0ffee" in (tmp_path / "calls").read_text()
    assert done.stdout == "inside: chaos heal\n"


def test_a_controller_that_dies_meanwhile(site: Path) -> None:
    with pytest.raises(Failure, match="was killed inside"):
        forward.call("c0ffee", ["killed"])


# --- signals ---


linux = pytest.mark.skipif(sys.platform != "linux", reason="what runs inside runs on Linux")


@linux
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_reaches_the_command_inside(
    site: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    log = tmp_path / "inside" / "logs" / "post@east.log"
    log.parent.mkdir(parents=True)
    log.write_text("it follows\n")
    follow = (
        "import sys; from failwhale import forward; sys.exit(forward.call('c0ffee', ['logs', '--follow']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", follow], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "it follows\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    assert said == ""


@linux
def test_a_call_that_is_over_gets_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "PATIENCE", 0.1)
    assert not call.deliver(signal.SIGINT, "0123abcd")


@pytest.mark.parametrize(
    ("made_by", "said"), [("0.9", "failwhale 0.9,"), ("", "failwhale of an older version,"), (VERSION, "")]
)
def test_a_site_of_another_version_that_is_up_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made_by: str, said: str
) -> None:
    """The package may be exchanged while the site is up; JSON on stdout stays as it is."""
    up = ProcessesRecord("/nowhere.sock", {}, supervisor=SupervisorRecord(7, 1.5))
    write_site(tmp_path, processes=up, made_by=made_by)
    assert forward.order_of(["status", "--json", "--state", str(tmp_path)]) is None
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert ("failwhale down, then failwhale up" in told.err) is bool(said)
    write_site(tmp_path, made_by=made_by)
    forward.order_of(["status", "--state", str(tmp_path)])
    assert capsys.readouterr().err == "", "one that is down is started anew anyway"
