"""The real site, driven as a person would: by the `failwhale` command and through its public addresses."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

FAILWHALE = Path(sys.executable).parent / "failwhale"


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
class Site:
    state: Path
    ports: dict[str, int] = field(default_factory=lambda: {"east": free_port(), "west": free_port()})

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "FAILWHALE_STATE": str(self.state),
            "FAILWHALE_EAST_PORT": str(self.ports["east"]),
            "FAILWHALE_WEST_PORT": str(self.ports["west"]),
            "NO_COLOR": "1",
            "COLUMNS": "160",
        }

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

    def edge(self, place: str) -> str:
        return f"https://localhost:{self.ports[place]}"

    def client(self, place: str = "east", token: str = "") -> httpx.Client:
        """A user's client of one edge; trusts the site's CA and nobody else."""
        return httpx.Client(
            base_url=self.edge(place),
            verify=ssl.create_default_context(cafile=str(self.state / "pki" / "ca.pem")),
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=10,
        )

    def address(self, part: str) -> str:
        parts = json.loads((self.state / "site.json").read_text())["parts"]
        (addresses,) = [row["addresses"] for row in parts if row["name"] == part]
        return str(next(iter(addresses.values())))

    def internal(self, part: str) -> httpx.Client:
        """An operator's client of one part's internal listener."""
        tls = ssl.create_default_context(cafile=str(self.state / "pki" / "ca.pem"))
        tls.check_hostname = False
        tls.load_cert_chain(self.state / "pki" / "client.pem", self.state / "pki" / "client.key")
        token = (self.state / "secrets" / "token").read_text().strip()
        return httpx.Client(
            base_url=f"https://{self.address(part)}",
            verify=tls,
            headers={"authorization": f"Bearer {token}"},
            timeout=5,
        )

    def journeys(self) -> dict[str, dict[str, Any]]:
        """What the prober says now, by journey; empty while it does not answer."""
        try:
            with self.internal("prober") as client:
                return dict(client.get("/journeys").json()["journeys"])
        except (httpx.HTTPError, OSError, ValueError):
            return {}

    def is_green(self) -> bool:
        journeys = self.journeys()
        return bool(journeys) and all(row["state"] == "green" for row in journeys.values())

    def wait_green(self, seconds: float = 20) -> None:
        def red() -> str:
            return str({name: row for name, row in self.journeys().items() if row["state"] != "green"})

        try:
            wait_until(self.is_green, seconds, "every journey green")
        except AssertionError as error:
            raise AssertionError(f"{error}; now: {red()}") from None

    def ledger(self) -> list[dict[str, Any]]:
        lines = (self.state / "record" / "ledger.ndjson").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this site, told by its environment or its command line."""
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

    def kill_leftovers(self) -> list[str]:
        """End what a failed test left behind; returns what it was."""
        left = []
        for process in self.processes():
            try:
                left.append(f"{process.pid} {' '.join(process.cmdline())}")
                process.kill()
            except psutil.Error:
                continue
        return left
