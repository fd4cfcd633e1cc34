"""The verbs that run the site: up, status, logs, open, down."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from foundation.console import (
    DEFAULT_STATE,
    INTERRUPTED,
    USAGE,
    Failure,
    JsonOption,
    QuietOption,
    StateOption,
    duration_option,
    print_json,
    print_table,
    report,
    spell_duration,
    stdout,
)
from foundation.interruption import interruptible, uninterruptible
from foundation.progress import Progress
from foundation.state import State

COMPOSE_FILE = Path(__file__).parents[1] / "docker-compose.yml"
POLL_SECONDS = 0.03


def up(
    state: StateOption = DEFAULT_STATE,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="RUNTIME", help="processes, or docker.", show_default="as configured"),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="PART", help="Leave a part out; may be repeated.")
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option("--port", metavar="NAME=PORT", help="Another public port: east=18443; may be repeated."),
    ] = None,
    within: Annotated[
        float,
        typer.Option(
            "--within", parser=duration_option, metavar="DURATION", show_default="60s", help="How long."
        ),
    ] = 60.0,
    file: Annotated[
        Path,
        typer.Option("--file", metavar="FILE", show_default="ours", help="Another description of the site."),
    ] = COMPOSE_FILE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be started.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Start the site and wait until every journey of its users is green.

    Ctrl-C while it waits takes everything down again. On a running site it starts what is missing. On Docker
    the image is built first if the sources changed; --within begins when all containers are started.

    Examples:
      failwhale up
      failwhale up --on docker
      failwhale up --state /tmp/second --port east=18443 --port west=19443
      failwhale up --without prometheus
    """
    from testbed.choice import choose
    from testbed.runtimes.processes.lifecycle import Wishes

    began = time.monotonic()
    site = State(state)
    site.refuse_foreign()
    choice = choose(site, on, file.absolute(), os.environ)
    if choice.runtime == "docker":
        from testbed.runtimes.docker import lifecycle

        show, start = _show_containers, _start_containers
    else:
        from testbed.runtimes.processes import lifecycle  # type: ignore[no-redef]

        show, start = _show_outlook, _start_processes
    wishes = Wishes(file.absolute(), _ports(port or []), frozenset(without or []))
    with Progress(quiet) as progress:
        outlook = lifecycle.look_ahead(site, wishes, dict(os.environ))
        if dry_run:
            show(outlook, as_json)
            return
        was_up = lifecycle.is_up(site)
        with interruptible(), _taken_down_when_interrupted(lambda: lifecycle.end(site), was_up, progress):
            progress.say(f"on {choice.runtime}, {choice.because}")
            start(site, outlook, was_up, within, progress)
    if as_json:
        row = {"runtime": choice.runtime, "state": str(site.path), "edges": dict(site.edges)}
        print_json({**row, "seconds": time.monotonic() - began})
    elif not quiet:
        for place, address in site.edges.items():
            stdout().print(f"{place}  {address}")


def _start_processes(site: State, outlook: Any, was_up: bool, within: float, progress: Progress) -> None:
    from testbed.green import wait_until_green
    from testbed.runtimes.processes import lifecycle

    began = time.monotonic()
    if was_up:
        _complete(site, outlook, progress)
    else:
        lifecycle.begin(site, outlook)
    _say_what_is_left_out(outlook.site.left_out, progress)
    for row in outlook.site.moved:
        progress.say(f"{row.part} is at {row.address}: port {row.wanted} is taken")
    _wait_until_ready(site, began + within, progress)
    progress.say(f"all parts ready after {spell_duration(time.monotonic() - began)}")
    if wait_until_green(site, began + within, progress.note):
        progress.say(f"all journeys green after {spell_duration(time.monotonic() - began)}")


def _start_containers(site: State, outlook: Any, was_up: bool, within: float, progress: Progress) -> None:
    from testbed.runtimes.docker import lifecycle

    began = time.monotonic()
    with _told_how_to_stop(site, was_up):
        missing = lifecycle.missing(outlook)
        lifecycle.check_ports(outlook, only=missing)
        if was_up:
            _say_what_is_missing(missing, progress)
            lifecycle.wait_for_second_look(outlook, within)
        outlook = lifecycle.without_what_cannot_be_had(outlook, progress.say)
        _say_what_is_left_out(outlook.left_out, progress)
        progress.say("building what changed and starting the containers")
        lifecycle.begin(site, outlook, within, quiet=progress.is_quiet)
        progress.say(f"all parts ready after {spell_duration(time.monotonic() - began)}")
        if lifecycle.wait_until_green(outlook, time.monotonic() + within, progress.note):
            progress.say(f"all journeys green after {spell_duration(time.monotonic() - began)}")


def _say_what_is_left_out(rows: Iterable[Any], progress: Progress) -> None:
    for row in rows:
        if row.advice:
            progress.say(f"without {row.part}: {row.reason}; {row.advice}")


@contextmanager
def _taken_down_when_interrupted(
    end: Callable[[], object], was_up: bool, progress: Progress
) -> Iterator[None]:
    """Who interrupts the start of a site wants none; one that was up before stays."""
    try:
        yield
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        outcome = "interrupted; the site was up before and stays up"
        if not was_up:
            progress.note("taking everything down")
            end()
            outcome = "interrupted, and everything is down again"
        progress.clear()
        report(outcome)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _told_how_to_stop(site: State, was_up: bool) -> Iterator[None]:
    """Who cannot start a site on Docker is told what to do about those of its parts that run already."""
    from testbed.runtimes.docker import lifecycle

    try:
        yield
    except Failure as failure:
        if was_up or not lifecycle.is_up(site):
            raise
        # Where docker/compose.sh says it, too, it knows of no state folder.
        step, _, _ = failure.next_step.partition("; stop what runs")
        steps = "; ".join(filter(None, [step, _how_to_stop(site)]))
        raise Failure(failure.message, steps, failure.code) from None
    except SystemExit:  # why has been said
        if not was_up and lifecycle.is_up(site):
            print(f"  {_how_to_stop(site)}", file=sys.stderr)
        raise


def status(state: StateOption = DEFAULT_STATE, as_json: JsonOption = False) -> None:
    """What runs, where it listens, whether it is ready, and how much memory it takes (shared memory is
    split).

    Examples:
      failwhale status
      failwhale status --json
    """
    from dataclasses import asdict

    from foundation.disk import is_full
    from outages.wording import record_problem
    from testbed.instruments import prober_now
    from testbed.runtimes import runtime_of
    from testbed.runtimes.processes.client import Processes
    from testbed.sentinels import spell_failover
    from testbed.site import Site

    site = State(state)
    runtime = runtime_of(site)
    chaos = Site(site)
    failover = chaos.failover_hindrance() if chaos.stores else None
    content = site.site()
    edges = content.get("public", content["edges"])  # in the controller's container the two differ
    supervisor = None
    if isinstance(runtime, Processes):
        parts, supervisor = runtime.status_with_supervisor()
    else:
        parts = runtime.status()
    record = prober_now(site).get("record", {})
    full = is_full(site.path)
    total = sum(part.memory_bytes or 0 for part in parts) + (supervisor["memory_bytes"] if supervisor else 0)
    if as_json:
        print_json(
            {
                "runtime": content["runtime"],
                "state": str(site.path),
                "edges": edges,
                "parts": [asdict(part) for part in parts],
                "supervisor": supervisor,
                "memory_bytes": total,
                "record": record,
                "full": full,
                "left_out": content["left_out"],
                "failover_hindrance": failover,
            }
        )
        return
    # A container's name is that of its part, at length: --json has it.
    columns = [
        "part",
        "state",
        "role",
        *(["pid"] if supervisor else []),
        "address",
        "release",
        "memory",
        "restarts",
    ]
    rows = [
        [
            part.name,
            _spell_state(part.running, part.paused, part.ready),
            part.role,
            *([part.pid] if supervisor else []),
            part.address,
            part.release,
            f"{part.memory_bytes / 1e6:.0f} MB" if part.memory_bytes else None,
            part.restarts or None,
        ]
        for part in parts
    ]
    if not any(part.restarts for part in parts):  # most of the time
        columns.pop()
        rows = [row[:-1] for row in rows]
    print_table(columns, rows, right=("pid", "memory", "restarts"))
    for row in content["left_out"]:
        stdout().print(f"without {row['part']}: {row['reason']}")
    for place, address in edges.items():
        stdout().print(f"{place}: {address}")
    if full:
        stdout().print(
            f"no room is left in {site.path}: no fault begins, what is in force ends all the same",
            style="red",
        )
    if problem := record_problem(record):
        stdout().print(f"the record: {problem}", style="red")
    if failover is not None:
        stdout().print(spell_failover(failover))
    watched = f" and their supervisor (pid {supervisor['pid']})" if supervisor else ""
    stdout().print(f"{len(parts)} parts{watched}: {total / 1e6:.0f} MB")


def logs(
    part: Annotated[str | None, typer.Argument(metavar="[PART]", help="One part; all without it.")] = None,
    state: StateOption = DEFAULT_STATE,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    request: Annotated[
        str | None, typer.Option("--request", metavar="ID", help="Only lines about this request.")
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 20,
) -> None:
    """What the parts have to say. With --request, all they said about one request, wherever it went.

    Examples:
      failwhale logs post@east --follow
      failwhale logs --request 5f0c2b1e
    """
    from testbed.logs import logs_of

    sources = logs_of(State(state), part)
    for line in sources.last(lines if request is None else None, request):
        print(line)
    if follow:
        for line in sources.follow(request):
            print(line, flush=True)


def down(
    state: StateOption = DEFAULT_STATE,
    purge: Annotated[bool, typer.Option("--purge", help="Remove every file of the site, too.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Stop everything. No process and no socket is left; with --purge no file either.

    Examples:
      failwhale down
      failwhale down --purge
    """
    from testbed.runtimes.processes.lifecycle import purge as purge_folder

    site = State(state)
    with Progress(quiet) as progress, uninterruptible():
        if not site.is_made:
            progress.say(f"there is no site in {site.path}")
        else:
            progress.note("stopping")
            was_up, kept = _end(site, purge=purge)
            progress.say("everything is down" if was_up else "nothing was running")
            for network in kept:
                progress.say(
                    f"Docker's engine keeps the network {network}, though nothing is on it: "
                    "it has miscounted, and lets go of it when it is restarted"
                )
        if purge and (left := purge_folder(site)):
            progress.say(f"left in {site.path}, as it is no part of this site: {', '.join(left)}")


def _end(site: State, *, purge: bool) -> tuple[bool, list[str]]:
    """Whether anything ran, and the networks that Docker did not remove."""
    if site.site()["runtime"] == "docker":
        from testbed.runtimes.docker import lifecycle as on_docker

        return on_docker.is_up(site), on_docker.end(site, purge=purge)
    from testbed.runtimes.processes import lifecycle

    was_up = lifecycle.is_up(site)
    lifecycle.end(site)
    return was_up, []


def open_page(
    place: Annotated[str | None, typer.Argument(metavar="[PLACE]", help="Which data centre.")] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show the site's page in a browser.

    Examples:
      failwhale open
      failwhale open west
    """
    import webbrowser

    site = State(state)
    edges = site.edges
    place = place or next(iter(edges), "")
    if place not in edges:
        raise Failure(f"no data centre is named {place!r}", f"data centres: {', '.join(edges)}", USAGE)
    stdout().print(f"{edges[place]}  (certificate authority to trust: {site.ca})")
    webbrowser.open(edges[place])


# --- how they do it ---


def _ports(wishes: list[str]) -> dict[str, int]:
    ports = {}
    for wish in wishes:
        name, equals, number = wish.partition("=")
        example = "like this: --port east=18443"
        if not equals or not name:
            raise Failure(f"--port {wish}: not of the form NAME=PORT", example, USAGE)
        if not number.isdecimal() or not 0 < int(number) < 65536:
            raise Failure(f"{number or 'nothing'} is no port: choose 1 to 65535", example, USAGE)
        ports[name] = int(number)
    return ports


def _show_outlook(outlook: Any, as_json: bool) -> None:
    specs = outlook.site.plan.specs
    left_out = outlook.site.left_out
    if as_json:
        print_json(
            {
                "parts": [
                    {"name": spec.name, "command": list(spec.words), "addresses": dict(spec.addresses)}
                    for spec in specs
                ],
                "left_out": [{"part": row.part, "reason": row.reason} for row in left_out],
                "set_aside": [{"service": name, "key": key} for name, key in outlook.compose.set_aside],
            }
        )
        return
    print_table(
        ("part", "command", "addresses"),
        [(spec.name, " ".join(spec.words), ", ".join(spec.addresses.values())) for spec in specs],
    )
    for row in left_out:
        stdout().print(f"without {row.part}: {row.reason}")
    for row in outlook.site.moved:
        stdout().print(f"{row.part} at {row.address}: port {row.wanted} is taken")
    keys = ", ".join(sorted({key for _, key in outlook.compose.set_aside}))
    stdout().print(f"set aside, since it only means something to containers: {keys or 'nothing'}")


def _show_containers(outlook: Any, as_json: bool) -> None:
    if as_json:
        rows = [
            {"name": part.name, "image": part.image, "addresses": list(part.addresses)}
            for part in outlook.parts
        ]
        left_out = [{"part": row.part, "reason": row.reason} for row in outlook.left_out]
        print_json({"project": outlook.project, "parts": rows, "left_out": left_out})
        return
    print_table(
        ("part", "image", "addresses"),
        [(part.name, part.image, ", ".join(part.addresses)) for part in outlook.parts],
    )
    for row in outlook.left_out:
        stdout().print(f"without {row.part}: {row.reason}")
    stdout().print(f"as the Compose project {outlook.project}")


def _complete(site: State, outlook: Any, progress: Progress) -> None:
    from testbed.runtimes.processes import lifecycle
    from testbed.runtimes.processes.client import Processes

    lifecycle.add(site, outlook)
    _say_what_is_missing(Processes(site).complete(), progress)


def _say_what_is_missing(missing: list[str], progress: Progress) -> None:
    progress.say(f"the site is up already{'; starting ' + ', '.join(missing) if missing else ''}")


def _wait_until_ready(site: State, limit: float, progress: Progress) -> None:
    """Until every part is ready. Raises Failure that names what is not, and why."""
    from testbed.runtimes.processes.client import Processes

    runtime = Processes(site)
    while True:
        rows = runtime.progress()
        open_rows = [row for row in rows if row["phase"] not in ("ready", "done")]
        if not open_rows:
            return
        for row in open_rows:
            if row["phase"] == "failed":
                raise Failure(f"{row['name']} {row['reason']}", _see_logs(site, row["name"]))
        progress.note(f"{len(rows) - len(open_rows)} of {len(rows)} parts ready")
        if time.monotonic() > limit:
            # What waits for another part is not the cause.
            causes = [row for row in open_rows if row["phase"] != "waiting"] or open_rows
            named = "; ".join(f"{row['name']} {row['phase']} ({row['reason']})" for row in causes)
            raise Failure(f"not ready in time: {named}", _see_logs(site, causes[0]["name"]))
        time.sleep(POLL_SECONDS)


def _see_logs(site: State, part: str) -> str:
    return f"see: failwhale logs {part}{_state_option(site)}; {_how_to_stop(site)}"


def _how_to_stop(site: State) -> str:
    return f"stop what runs: failwhale down{_state_option(site)}"


def _state_option(site: State) -> str:
    return "" if site.path == DEFAULT_STATE.absolute() else f" --state {site.path}"


def _spell_state(running: bool, paused: bool, ready: bool) -> str:
    if not running:
        return "down"
    return "paused" if paused else "ready" if ready else "unready"
