"""A site's beginning and end on Docker: `docker compose`, and what the host must know to reach the site."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.console import is_terminal
from foundation.failure import INTERRUPTED, OK, USAGE, Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.runtimes.docker import host
from testbed.runtimes.processes import ports, sitefile
from testbed.runtimes.processes.interpolation import read_dotenv
from testbed.runtimes.processes.lifecycle import Wishes

SECOND_LOOK_SECONDS = 15.0
"""Longer than the interval between two looks."""

LAST_LINES = 20
"""Of what Compose said, when it failed and nobody saw it."""

COMPOSE_FILE = host.REPOSITORY / "docker-compose.yml"
_PORT_VARIABLE = re.compile(r"\$\{FAILWHALE_([A-Z_]+)_PORT\b")


@dataclass(frozen=True)
class Part:
    """A service of the compose file, and what `up` will do with it."""

    name: str  # post@east
    compose_name: str
    service: str
    place: str | None
    image: str
    is_optional: bool
    needs: tuple[str, ...]  # by their names in the compose file
    addresses: tuple[str, ...]  # published, host:port


@dataclass(frozen=True)
class LeftOut:
    """A part that will not run, and why; `advice` is what that means."""

    part: str
    compose_name: str
    reason: str
    advice: str = ""


@dataclass(frozen=True)
class Outlook:
    """What a compose file will become on Docker, before anything is started."""

    project: str
    file: Path
    parts: tuple[Part, ...]
    left_out: tuple[LeftOut, ...]
    edges: Mapping[str, str]
    variables: Mapping[str, str]  # the ports that were chosen, to be kept

    @property
    def words(self) -> list[str]:
        """The options by which Compose knows this site."""
        # Ours is what it finds by itself, and then COMPOSE_FILE has its say.
        return [
            "--project-name",
            self.project,
            *(["--file", str(self.file)] if self.file != COMPOSE_FILE else []),
        ]


def project_of(state: State) -> str:
    """The Compose project of a site: what plain `docker compose` calls it when it is in this repository's own
    state folder, and for any other folder a name of its own."""
    if state.is_made and (project := state.site().get("project")) and state.site()["runtime"] == "docker":
        return str(project)
    if state.path == host.REPOSITORY / ".failwhale":
        variables = {**read_dotenv(host.REPOSITORY / ".env"), **os.environ}
        return variables.get("COMPOSE_PROJECT_NAME") or "failwhale"
    return f"failwhale-{hashlib.sha256(os.fsencode(state.path)).hexdigest()[:8]}"


def look_ahead(state: State, wishes: Wishes, environment: Mapping[str, str]) -> Outlook:
    """Have Compose read the file. What was chosen at the last `up` (ports above all) holds until it is chosen
    anew. Raises Failure for all that cannot be done."""
    if not wishes.file.exists():
        raise Failure(f"there is no {wishes.file}", "name another with --file", USAGE)
    chosen = _variables_of(wishes)
    previous = state.site().get("variables", {}) if state.is_made else {}
    kept = {name: value for name, value in previous.items() if name not in environment} | chosen
    bare = Outlook(project_of(state), wishes.file, (), (), {}, kept)
    content = json.loads(host.compose(*bare.words, "config", "--format", "json", environment=kept))
    rows = [_part(name, service) for name, service in sorted(content["services"].items())]
    left_out = _left_out(rows, wishes.without)
    gone = {row.part for row in left_out}
    parts = tuple(part for part in rows if part.name not in gone)
    ports.refuse_twins(
        (part.place or part.service, address.rpartition(":")[2])
        for part in parts
        for address in part.addresses
    )
    edges = {
        part.place: f"https://localhost:{part.addresses[0].rpartition(':')[2]}"
        for part in parts
        if part.service == "frontend" and part.place and part.addresses
    }
    return Outlook(bare.project, wishes.file, parts, left_out, edges, kept)


def _variables_of(wishes: Wishes) -> dict[str, str]:
    known = [name.lower() for name in dict.fromkeys(_PORT_VARIABLE.findall(wishes.file.read_text()))]
    for name in wishes.ports:
        if name not in known:
            raise Failure(f"no port is named {name!r}", f"ports: {', '.join(sorted(known)) or 'none'}", USAGE)
    return {f"FAILWHALE_{name.upper()}_PORT": str(port) for name, port in wishes.ports.items()}


def _part(compose_name: str, service: Mapping[str, Any]) -> Part:
    labels = service.get("labels") or {}
    kind, place = labels.get("failwhale.service", compose_name), labels.get("failwhale.place")
    return Part(
        name=f"{kind}@{place}" if place else kind,
        compose_name=compose_name,
        service=kind,
        place=place,
        image=service.get("image", ""),
        is_optional=labels.get("failwhale.optional") == "true",
        needs=tuple(service.get("depends_on") or ()),
        addresses=tuple(
            f"{port.get('host_ip', '0.0.0.0')}:{port['published']}"
            for port in service.get("ports", ())
            if port.get("published")
        ),
    )


def _left_out(parts: Sequence[Part], without: frozenset[str]) -> tuple[LeftOut, ...]:
    names = [name for part in parts for name in (part.name, part.service)]
    for name in sorted(without):
        if name not in names:
            raise unknown("part", name, [part.name for part in parts])
    return tuple(
        LeftOut(part.name, part.compose_name, "as you said")
        for part in parts
        if part.name in without or part.service in without
    )


def is_up(state: State) -> bool:
    """Whether anything of the site runs. Raises Failure without an engine."""
    return host.is_running(host.containers(project_of(state)))


def missing(outlook: Outlook) -> list[str]:
    """The parts that do not run now, of a site that is up: killed, stopped, or left out before. Raises
    Failure when one runs that shall be left out."""
    running = {one.part for one in host.containers(outlook.project) if host.is_running([one])}
    for row in outlook.left_out:
        if row.part in running:
            raise Failure(
                f"{row.part} runs already", "start anew without it: failwhale down, then failwhale up"
            )
    return [part.name for part in outlook.parts if part.name not in running and part.service != "genesis"]


def check_ports(outlook: Outlook, only: Collection[str]) -> None:
    """Raises Failure that names the first published port that somebody else holds, who, and how to ask for
    another. `only` names the parts that do not run, as one that runs holds its port itself."""
    if not host.engine().startswith("unix:"):
        return  # its ports are another machine's
    for part in outlook.parts:
        for address in part.addresses if part.name in only else ():
            where, _, port = address.rpartition(":")
            if port.isdecimal() and ports.is_taken(where, int(port)):  # else it is a range
                raise ports.taken(part.name, int(port), _container_at(port) or ports.holder(int(port)))


def _container_at(port: str) -> str:
    """Docker listens for a container: with a process of its own, or with none."""
    names = host.docker("ps", "--format={{.Names}}", f"--filter=publish={port}").split()
    return f"the container {names[0]}" if names else ""


def wait_for_second_look(outlook: Outlook, seconds: float) -> None:
    """Docker looks at a container's health now and then. One that was paused or cut off counts as unhealthy
    until the next look, and Compose would give up at once. What is unhealthy then is for Compose to say."""
    limit = time.monotonic() + min(seconds, SECOND_LOOK_SECONDS)
    while host.containers(outlook.project, "health=unhealthy") and time.monotonic() < limit:
        time.sleep(0.2)


def without_what_cannot_be_had(outlook: Outlook, say: Callable[[str], None]) -> Outlook:
    """The same without optional parts whose image is not here and cannot be pulled."""
    left_out = list(outlook.left_out)
    for part in outlook.parts:
        if part.is_optional and not _is_here(part.image):
            say(f"pulling {part.image}")
            try:
                host.compose(
                    *outlook.words, "pull", "--quiet", part.compose_name, environment=outlook.variables
                )
            except Failure as failure:
                advice = "the site is complete without it"
                left_out.append(LeftOut(part.name, part.compose_name, failure.message, advice))
    gone = {row.part for row in left_out}
    parts = tuple(part for part in outlook.parts if part.name not in gone)
    return Outlook(outlook.project, outlook.file, parts, tuple(left_out), outlook.edges, outlook.variables)


def _is_here(image: str) -> bool:
    try:
        host.docker("image", "inspect", "--format", "{{.Id}}", image)
    except Failure:
        return False
    return True


def begin(state: State, outlook: Outlook, seconds: float, *, quiet: bool) -> None:
    """Build the image from these sources if they changed, create and start what is missing, and wait until
    every container is healthy, for so many seconds once all are started.

    On a terminal Compose's own progress is shown there. Elsewhere its last lines are, when it failed, and not
    if `quiet`. Raises Failure, KeyboardInterrupt, or SystemExit when what went wrong has been said already.
    """
    _keep(state, outlook)
    waiting = ["--wait", "--wait-timeout", str(max(1, round(seconds)))]
    # What is not named is not pulled either. What others wait for is named by that, and gets no container.
    needed = {name for part in outlook.parts for name in part.needs}
    none = [f"--scale={row.compose_name}=0" for row in outlook.left_out if row.compose_name in needed]
    names = [part.compose_name for part in outlook.parts]
    words = [*outlook.words, "up", "--detach", "--build", *waiting, *none, *names]
    _shown(words, outlook.variables, quiet=quiet)
    controller = host.controller(outlook.project)
    if controller is not None:
        state.pki.mkdir(exist_ok=True)
        state.ca.write_text(host.docker(*host.inside(controller.identifier, "cat", "/state/pki/ca.pem")))


def _shown(words: Sequence[str], variables: Mapping[str, str], *, quiet: bool) -> None:
    command = ["sh", str(host.COMPOSE_SH), *words]
    kept = quiet or not (sys.stdin.isatty() and is_terminal())
    # Stdout is for results, so what Compose writes there joins the rest.
    aside = None if sys.stdout.isatty() else sys.stderr.fileno()
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE if kept else aside,
        stderr=subprocess.STDOUT if kept else None,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate()
    except KeyboardInterrupt:
        _interrupt(process)
        raise
    if process.returncode in (INTERRUPTED, -signal.SIGINT):  # Ctrl-C reached Compose, and not us
        raise KeyboardInterrupt
    if process.returncode != OK:
        if not kept:
            raise SystemExit(process.returncode)
        if not quiet:
            _show_the_end_of(said)
        raise host.failure_of(said, process.returncode)


def _show_the_end_of(said: str) -> None:
    """What Compose said last, without the cause that docker/compose.sh found in it."""
    before, mark, _ = said.rpartition("\nfailwhale: ")
    for line in (before if mark else said).splitlines()[-LAST_LINES:]:
        print(line, file=sys.stderr)


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End Compose politely, wherever below the shell it is. On a terminal it has heard of it already."""
    import psutil

    shell = psutil.Process(process.pid)
    for one in [shell, *shell.children(recursive=True)]:  # the shell, so that it takes the end for no failure
        try:
            one.send_signal(signal.SIGINT)
        except psutil.NoSuchProcess:
            pass
    process.communicate()  # what it still says must have somewhere to go, or it would wait for ever


def _keep(state: State, outlook: Outlook) -> None:
    """Write site.json, which makes the folder a site's: from now on every command knows where to go."""
    state.path.mkdir(parents=True, exist_ok=True)
    content = {
        "runtime": "docker",
        "project": outlook.project,
        "compose": str(outlook.file),
        "engine": host.engine(),
        "through": host.CONTROLLER,
        "variables": dict(outlook.variables),
        "edges": dict(outlook.edges),
        "parts": [
            {
                "name": part.name,
                "service": part.service,
                "place": part.place,
                "compose_name": part.compose_name,
                "container": f"{outlook.project}-{part.compose_name}-1",
                "addresses": list(part.addresses),
            }
            for part in outlook.parts
        ],
        "left_out": [
            {"part": row.part, "reason": row.reason, "advice": row.advice} for row in outlook.left_out
        ],
    }
    try:
        sitefile.write(state, content)
    except OSError as error:
        raise state.unusable(error) from None


def wait_until_green(outlook: Outlook, limit: float, note: Callable[[str], None]) -> bool:
    """Until the prober has seen every journey succeed; False without a prober or a controller to ask it.
    `limit` is of the monotonic clock. Raises Failure that names what is not green."""
    controller = host.controller(outlook.project)
    if controller is None or not any(part.service == "prober" for part in outlook.parts):
        return False
    ask = ["python", "-m", "testbed.green", str(max(1.0, limit - time.monotonic()))]
    process = subprocess.Popen(
        ["docker", *host.inside(controller.identifier, *ask)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            note(line.strip())
        said = process.stderr.read()
        if process.wait() != OK:
            raise host.failure_of(said)
        return True
    finally:
        process.kill()
        process.wait()


def end(state: State, *, purge: bool = False) -> list[str]:
    """Leave no container and no network; with `purge` no volume either. No error when nothing is there.
    Returns the networks that the engine keeps though nothing is on them. Raises Failure without an engine."""
    project = project_of(state)
    site = state.site() if state.is_made else {}
    outlook = Outlook(project, Path(site.get("compose", COMPOSE_FILE)), (), (), {}, site.get("variables", {}))
    if outlook.file.exists():  # else what bears the project's label is all that is known of it
        away = ["--volumes"] if purge else []
        try:
            # Compose knows the order. A profile's containers are orphans while nobody asks for the profile.
            host.compose(*outlook.words, "down", "--remove-orphans", *away, environment=outlook.variables)
        except Failure as failure:
            if "network" not in failure.message:
                raise
    kept = _sweep(project, purge=purge)
    state.ca.unlink(missing_ok=True)
    return kept


def _sweep(project: str, *, purge: bool) -> list[str]:
    """Remove what bears the project's label still; returns the networks that stay all the same."""
    label = f"--filter=label=com.docker.compose.project={project}"
    if containers := host.docker("ps", "--all", "--quiet", label).split():
        host.docker("rm", "--force", *containers)
    networks = host.docker("network", "ls", "--format={{.Name}}", label).split()
    kept = [name for name in networks if not _is_removed(name)]
    if purge and (volumes := host.docker("volume", "ls", "--quiet", label).split()):
        host.docker("volume", "rm", *volumes)
    return kept


def _is_removed(network: str) -> bool:
    """Now nothing is on it any more, but engines have been seen to miscount (moby/moby#42119)."""
    try:
        host.docker("network", "rm", network)
    except Failure as failure:
        if "has active endpoints" not in failure.message:
            raise
        users = host.docker("network", "inspect", "--format={{range .Containers}}{{.Name}} {{end}}", network)
        if users.strip():
            raise Failure(
                f"the network {network} is used by what is no part of this site: {users.strip()}",
                f"docker network disconnect {network} {users.split()[0]}; then again: failwhale down",
            ) from None
        return False
    return True
