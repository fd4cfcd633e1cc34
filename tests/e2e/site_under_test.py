"""The real site, driven as a person would: by the `failwhale` command and through its public addresses.

What both runtimes share is here; on_processes.py and on_docker.py say what differs.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import httpx
import psutil

from chaos.client import Client
from chaos.fault_rows import FaultRow, is_over, show
from chaos.journal import replay
from foundation.records import fits
from foundation.state import State
from testbed.site import Site as SiteOfChaos

ROOT = Path(__file__).parents[2]
FAILWHALE = Path(sys.executable).parent / "failwhale"
PUBLISHED = ("east", "west", "prometheus", "grafana", "locust")
"""What may have a port on this machine; docker-compose.yml has a variable for each."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Poll `condition` until true and return its value; after `seconds` fail, naming what never came."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return value


@dataclass
class Site(ABC):
    """One site in a state folder of its own."""

    runtime: ClassVar[str]

    state: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PUBLISHED})

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "FAILWHALE_RUNTIME": self.runtime,
            "FAILWHALE_STATE": str(self.state),
            **{f"FAILWHALE_{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
            "NO_COLOR": "1",
            "COLUMNS": "160",
        }

    # --- the command ---

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """One `failwhale` command, to its end."""
        return subprocess.run(
            [FAILWHALE, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def ok(self, *arguments: str, timeout: float = 120) -> str:
        """One `failwhale` command that must succeed; returns what it printed."""
        done = self.run(*arguments, timeout=timeout)
        command = f"failwhale {' '.join(arguments)}"
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str, timeout: float = 120) -> Any:
        return json.loads(self.ok(*arguments, "--json", timeout=timeout))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """One `failwhale` command, left running; the caller ends it."""
        return subprocess.Popen(
            [FAILWHALE, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """One `failwhale` command, beside which the test goes on; it and what it started are gone then."""
        process = self.start(*arguments)
        try:
            yield process
        finally:
            try:
                started = psutil.Process(process.pid).children(recursive=True)
            except psutil.NoSuchProcess:
                started = []
            process.kill()
            process.wait()
            for one in started:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            psutil.wait_procs(started, 10)

    # --- its users ---

    def edge(self, place: str) -> str:
        return f"https://localhost:{self.ports[place]}"

    def client(self, place: str = "east", token: str = "") -> httpx.Client:
        """A user's client of one edge; trusts the site's CA and nobody else."""
        return httpx.Client(
            base_url=self.edge(place),
            verify=ssl.create_default_context(cafile=str(self.state / "pki" / "ca.pem")),
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=10,
            limits=httpx.Limits(keepalive_expiry=60),  # longer than a command takes on a busy machine
        )

    # --- its operators ---

    @abstractmethod
    def address(self, part: str) -> str:
        """Where the part's internal listener can be reached from here: host:port. Never remembered, since a
        part that was started again may have moved."""

    @abstractmethod
    def credentials(self) -> Path:
        """A folder with the operators' `pki` and `secrets` that this test may read."""

    def internal(self, part: str) -> httpx.Client:
        """An operator's client of one part's internal listener."""
        pki, secrets = self.credentials() / "pki", self.credentials() / "secrets"
        tls = ssl.create_default_context(cafile=str(pki / "ca.pem"))
        tls.check_hostname = False
        tls.load_cert_chain(pki / "client.pem", pki / "client.key")
        return httpx.Client(
            base_url=f"https://{self.address(part)}",
            verify=tls,
            headers={"authorization": f"Bearer {(secrets / 'token').read_text().strip()}"},
            timeout=5,
        )

    def journeys(self) -> dict[str, dict[str, Any]]:
        """What the prober says now, by journey; empty while it does not answer."""
        try:
            with self.internal("prober") as client:
                return dict(client.get("/journeys").json()["journeys"])
        except (httpx.HTTPError, OSError, ValueError):
            return {}

    def is_green(self, *, but: str = "") -> bool:
        """Whether users can do everything, but for one journey that may be as it likes."""
        journeys = self.journeys()
        return bool(journeys) and all(
            row["state"] == "green" for name, row in journeys.items() if name != but
        )

    def wait_green(self, seconds: float = 20) -> None:
        def red() -> str:
            return str({name: row for name, row in self.journeys().items() if row["state"] != "green"})

        try:
            wait_until(self.is_green, seconds, "every journey green")
        except AssertionError as error:
            raise AssertionError(f"{error}; now: {red()}") from None

    def status(self, part: str) -> dict[str, Any]:
        """The part's row of `failwhale status`."""
        (row,) = [row for row in self.json("status")["parts"] if row["name"] == part]
        return dict(row)

    def primary(self) -> str:
        """The store that is the primary now; empty while none is."""
        rows = self.json("status")["parts"]
        return "".join(row["name"] for row in rows if row["service"] == "store" and row["role"] == "primary")

    # --- its files ---

    @abstractmethod
    def remove_journal(self) -> None:
        """Delete the journal of chaos."""

    @abstractmethod
    def read(self, path: str) -> str:
        """A file of the state folder; empty when it is not there (yet)."""

    def ledger(self) -> list[dict[str, Any]]:
        """All records; each is of a kind and form that the table of the ledger's records knows."""
        records = [json.loads(line) for line in self.read("record/ledger.ndjson").splitlines()]
        assert [record for record in records if not fits(record)] == []
        return records

    def acknowledged(self) -> int:
        """How many posts the site has acknowledged, in all loads together."""
        return len(self._promises())

    def replicated(self) -> int:
        """How many of these a replica had, by the word of the site: what must survive the primary."""
        return sum(promise["replicated"] for promise in self._promises())

    def _promises(self) -> list[dict[str, Any]]:
        # The last line may be on its way.
        lines = self.read("record/acknowledged.ndjson").splitlines(keepends=True)
        promises = [json.loads(line) for line in lines if line.endswith("\n")]
        return [promise for promise in promises if promise["kind"] == "post"]

    def active(self) -> list[dict[str, Any]]:
        """The faults that are not over, as the journal says. `failwhale chaos active` says the same, but it
        costs a second on a busy machine, and this is asked again and again."""
        return [dict(row) for row in self._shown() if not is_over(row)]

    def history(self) -> list[dict[str, Any]]:
        """All faults that the journal knows."""
        return [dict(row) for row in self._shown()]

    def _shown(self) -> list[FaultRow]:
        entries = replay(self.read("chaos/journal.ndjson").encode().splitlines()).entries.values()
        return [show(entry) for entry in entries]

    # --- what carries it ---

    @abstractmethod
    def as_chaos_sees_it(self) -> SiteOfChaos:
        """The site by the product's own eyes, for what would cost a command each time that it is asked."""

    def controller(self) -> Client:
        """The product's own client of the controller, for what would cost a command each."""
        self.as_chaos_sees_it()  # on Docker this writes down where the controller can be reached from here
        return Client(State(self.credentials()))

    @abstractmethod
    def life(self, part: str) -> str:
        """Tells one life of the part from the next: another text after it died and was started. Empty while
        it is dead."""

    @abstractmethod
    def sigkill(self, part: str) -> None:
        """SIGKILL from outside, behind the site's back: whoever looks after the part sees it die."""

    @abstractmethod
    def sigkill_all_keepers(self) -> None:
        """SIGKILL to whoever would undo a fault, so that none of them comes back by itself."""

    def left(self) -> list[str]:
        """What there is of this site, a line each; the processes are told by their environment or command
        line."""
        return [f"{process.pid} {_command(process)}" for process in self._processes()]

    def remove_leftovers(self) -> list[str]:
        """End what a failed test left behind; returns what it was."""
        left = []
        for process in self._processes():
            try:
                left.append(f"{process.pid} {_command(process)}")
                process.kill()
            except psutil.Error:
                continue
        return left

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            if process.pid == os.getpid():
                continue
            try:
                named = str(self.state) in " ".join(process.cmdline())
                if named or process.environ().get("FAILWHALE_STATE") == str(self.state):
                    found.append(process)
            except psutil.Error:
                continue
        return found


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "(gone)"
