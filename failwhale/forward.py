"""Commands for a site on Docker: they run in the container of its controller, where the site can be reached.

From outside it looks as if they ran here: the same words, the same output, the same exit code; Ctrl-C and a
polite end reach them, and files land here. What is imported here is paid for by every command.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from foundation.failure import FAILED, USAGE, Failure
from foundation.state import State
from foundation.user import VARIABLE as USER
from foundation.user import user
from foundation.version import VERSION
from testbed.runtimes.docker import host
from testbed.sitefile import SiteFile, down

FORWARDED = frozenset(
    {
        "status",
        "populate",
        "load",
        "certificates",
        "chaos",
        "config",
        "drill",
        "incident",
        "ops",
        "protections",
        "release",
        "watch",
        "outages",
        "score",
        "report",
    }
)
NEEDS_NO_SITE: Mapping[str, Sequence[Sequence[str]]] = {
    "chaos": ([], ["list"], ["show"]),
    "drill": ([],),
    "incident": ([], ["list"], ["show"], ["new"], ["validate"]),
    "ops": ([], ["list"]),
}
"""By verb of these, what is done here: with nothing after it, too."""

OUTSIDE = {
    "up": "docker compose up -d --wait",
    "down": "docker compose down, and with -v nothing stays",
    "open": "failwhale open, or one of the addresses at the end of: failwhale status",
    "demo": "make demo",
}
"""What cannot be done in a container of the site, and what to say on the machine instead."""

HANDED_ON = ("NO_COLOR", "COLUMNS", "TERM", "FAILWHALE_DEBUG")
"""What of this environment a command may see inside."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KILLED = 128 + signal.SIGKILL
PATIENCE = 20.0
"""Seconds for a controller that is just being restarted."""


@dataclass(frozen=True)
class ForwardedCommand:
    """A command that is to run inside, without its `--state`."""

    state: State
    project: str
    words: tuple[str, ...]


def order_of(words: Sequence[str]) -> ForwardedCommand | None:
    """What to forward; None when the command is done here. Raises Failure when its site is up on Docker, but
    not known here yet, and for what is done on the machine when this is a container of the site."""
    spoken = [word for word in words if word != "--debug"]
    if not spoken or "--help" in spoken or "_FAILWHALE_COMPLETE" in os.environ:
        return None
    if spoken[0] in OUTSIDE:
        _refuse_inside(spoken[0])
    if spoken[0] not in FORWARDED:
        return None
    if spoken[1:2] in NEEDS_NO_SITE.get(spoken[0], ()):
        return None
    folder, rest = _without_state(words)
    state = State(folder) if folder else State.from_environment()
    if not state.is_made:
        _point_to_a_site_that_is_up(state)
        return None
    site = SiteFile.read(state)
    _tell_other_version(site)
    docker = site.docker
    return ForwardedCommand(state, docker.project, tuple(rest)) if docker and docker.through else None


def _tell_other_version(site: SiteFile) -> None:
    """The package may have been exchanged while a site is up: what the two say to each other may not fit."""
    is_up = site.processes is None or site.processes.supervisor is not None
    if is_up and site.made_by != VERSION:
        from foundation.console import report

        maker = site.made_by or "of an older version"
        report(
            f"this site was started by failwhale {maker}, and this is {VERSION}: the two may not fit",
            "start it anew, its data stays: failwhale down, then failwhale up",
        )


def _refuse_inside(verb: str) -> None:
    if "ENGINE" not in os.environ:
        return
    site = SiteFile.read_if_made(State.from_environment())
    if site is not None and site.is_seen_from_inside:
        raise Failure(
            f"failwhale {verb} is for the machine, and this is a container of the site",
            f"on the machine: {OUTSIDE[verb]}",
            USAGE,
        )


def _without_state(words: Sequence[str]) -> tuple[str | None, list[str]]:
    folder, rest, awaited = None, [], False
    for word in words:
        if awaited or word.startswith("--state="):
            folder, awaited = word.removeprefix("--state=") if not awaited else word, False
        elif word == "--state":
            awaited = True
        else:
            rest.append(word)
    return folder, rest


def _point_to_a_site_that_is_up(state: State) -> None:
    """Somebody may have started it by `docker compose up`."""
    if state.path != host.REPOSITORY / ".failwhale":
        return
    from testbed.runtimes.docker.project import project_of

    try:
        found = host.controller(project_of(state))
    except Failure:
        return
    if found and found.state == "running":
        raise Failure(
            f"there is no site in {state.path}, but one is up on Docker, started by docker compose",
            "take it over: failwhale up --on docker; or: docker compose exec chaos failwhale ...",
        )


def run(order: ForwardedCommand) -> int:
    """Run it inside; returns its exit code. Raises Failure when there is no inside."""
    container = _reachable(order)
    if order.words[0] == "report":
        return _report(container, order)
    return call(container, order.words)


# --- the way in ---


def _reachable(order: ForwardedCommand) -> str:
    """The controller's container, running. `chaos heal` starts it: it needs nobody alive but the engine."""
    limit = time.monotonic() + PATIENCE
    heals = order.words[:2] == ("chaos", "heal")
    while True:
        found = host.controller(order.project)
        if found is None:
            raise down(order.state)
        if found.state == "running":
            break
        if heals and found.state in ("exited", "created", "dead"):
            _say("the controller's container is down: starting it")
            host.docker("start", found.identifier)
        elif heals and found.state == "paused":
            _say("the controller's container is frozen: it goes on")
            host.docker("unpause", found.identifier)
        elif found.state != "restarting" or time.monotonic() > limit:
            raise Failure(
                f"the container of the controller, {found.name}, is {found.state}",
                "start it and undo every fault: failwhale chaos heal; or start what is missing: failwhale up",
            )
        else:
            time.sleep(0.1)
    if heals:
        _wait_until_it_answers(found, limit)
    return found.identifier


def _wait_until_it_answers(container: host.Container, limit: float) -> None:
    """One that is silent for longer is healed without."""
    ask = ["docker", *host.inside(container.identifier, "python", "-m", "chaos.healthcheck")]
    while subprocess.run(ask, stdin=subprocess.DEVNULL, capture_output=True).returncode != 0:
        if time.monotonic() > limit:
            return
        time.sleep(0.1)


def call(container: str, words: Sequence[str], stdout: IO[Any] | None = None) -> int:
    """Run one command inside, on this terminal if this is one; returns its exit code.

    Without a terminal Docker's client is out of reach of Ctrl-C, so that what the command says at its end
    still arrives. Raises Failure when it was killed there, above all with the container.
    """
    terminal = stdout is None and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    identifier = secrets.token_hex(8)
    handed_on = [f"--env={name}={os.environ[name]}" for name in HANDED_ON if name in os.environ]
    handed_on.append(f"--env={USER}={user()}")
    how = ["--interactive", "--tty"] if terminal else []
    inside = ["python", "-m", "failwhale.call", identifier, *words]
    with _signals_delivered(container, identifier):
        process = subprocess.Popen(
            ["docker", "exec", *how, *handed_on, container, *inside],
            stdin=None if terminal else subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=not terminal,
        )
        code = process.wait()
    if code == KILLED:
        raise Failure(
            "this was killed inside: the controller's container ended, or had no memory left",
            "what was in force ends at its limit all the same: failwhale chaos active",
            FAILED,
        )
    return code if code >= 0 else 128 - code


@contextmanager
def _signals_delivered(container: str, identifier: str) -> Iterator[None]:
    """Signals for this process go to the command inside. This one only waits for its end."""
    deliveries = []

    def deliver(number: int, _: object) -> None:
        name = signal.Signals(number).name.removeprefix("SIG")
        send = ["python", "-m", "failwhale.call", "--signal", name, identifier]
        deliveries.append(
            subprocess.Popen(
                ["docker", *host.inside(container, *send)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    before = {number: signal.signal(number, deliver) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for delivery in deliveries:
            delivery.wait()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# --- the one command that writes a file ---


def _report(container: str, order: ForwardedCommand) -> int:
    """The page is made inside and written here; the summary is what `outages` says."""
    output, as_json, quiet, rest = _options_of_report(order.words[1:])
    if output == "-":
        return call(container, order.words)
    file = Path(output) if output else order.state.reports / "report.html"
    if output and not file.parent.is_dir():
        raise Failure(f"no such folder: {file.parent}", "make it, or name another one: --output")
    code, page = _answer(container, ["report", "--output", "-", *rest])
    if code != 0:
        return code
    try:
        if not output:
            file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(page)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", "name another one: --output") from None
    if as_json:
        code, rows = _answer(container, ["outages", "--json"])
        if code == 0:
            print(json.dumps({"file": str(file), "outages": json.loads(rows)}, indent=2, ensure_ascii=False))
    elif not quiet:
        code = call(container, ["outages"])
        print(f"page: {file}")
    return code


def _options_of_report(words: Sequence[str]) -> tuple[str | None, bool, bool, list[str]]:
    output, rest, awaited = None, [], False
    for word in words:
        if awaited or word.startswith("--output="):
            output, awaited = word if awaited else word.removeprefix("--output="), False
        elif word == "--output":
            awaited = True
        elif word not in ("--json", "--quiet", "-q"):
            rest.append(word)
    if awaited:
        raise Failure("Option '--output' requires an argument.", "see: failwhale report --help", USAGE)
    return output, "--json" in words, "--quiet" in words or "-q" in words, rest


def _answer(container: str, words: Sequence[str]) -> tuple[int, bytes]:
    with tempfile.TemporaryFile() as answer:
        code = call(container, words, answer)
        answer.seek(0)
        return code, answer.read()
