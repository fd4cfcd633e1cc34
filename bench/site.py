"""The real site, started for the bench alone: its own state folder, its own ports, everything switched on."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from foundation.failure import FAILED

AUTHORS, POSTS_EACH = 5, 10
"""Together one page of 50."""

READERS = 64
"""Sessions that take turns, so that the rate limit of each stays far away."""

TEXT = (
    "The {n}th thing that {name} has to say about whales, written at a length that people really write: {end}"
)
ENDING = "they surface, they breathe out, and the cable goes dark once more @{name} #{n} sees it."


@dataclass(frozen=True)
class Site:
    """A site that is up; `start_seconds` is how long `failwhale up` took, until every journey was green."""

    state: Path
    edge: str
    start_seconds: float

    @property
    def ca(self) -> str:
        return str(self.state / "pki" / "ca.pem")

    def parts(self) -> list[dict[str, Any]]:
        """The rows of `failwhale status`."""
        rows: list[dict[str, Any]] = json.loads(_failwhale(self.state, "status", "--json"))["parts"]
        return rows

    def outages(self) -> list[dict[str, Any]]:
        """What users felt since it was up: the rows of `failwhale outages`."""
        rows: list[dict[str, Any]] = json.loads(_failwhale(self.state, "outages", "--json"))
        return rows

    def alerts_that_meant_nothing(self) -> dict[str, int]:
        """By rule set, how many alerts fired without an outage: false positives of `failwhale score`."""
        rule_sets = json.loads(_failwhale(self.state, "score", "--json"))["rule_sets"]
        return {name: int(found["false_positives"]) for name, found in rule_sets.items() if name != "all"}


class BenchError(Exception):
    """The site did not do what the bench needs; the message says what."""

    def __init__(self, message: str, code: int = FAILED, said: str = "") -> None:
        """`code` is the exit code of the command that did not, `said` what it printed."""
        super().__init__(message)
        self.code = code
        self.said = said


@contextmanager
def running_site(runtime: str = "processes") -> Iterator[Site]:
    """A site from nothing to green, and down again at the end, whatever happens. Raises BenchError."""
    state = Path(tempfile.mkdtemp(prefix="failwhale-bench-"))
    east, west = free_port(), free_port()
    try:
        began = time.perf_counter()
        _failwhale(
            state, "up", "--quiet", "--on", runtime, "--port", f"east={east}", "--port", f"west={west}"
        )
        yield Site(state, f"https://localhost:{east}", time.perf_counter() - began)
    finally:
        subprocess.run(_command(state, "down", "--purge", "--quiet"), stdin=subprocess.DEVNULL, check=False)
        shutil.rmtree(state, ignore_errors=True)


def fill_timelines(site: Site) -> tuple[list[str], bytes]:
    """Make a home timeline of 50 posts for every reader; their session tokens and the bytes of one timeline.

    Raises BenchError when the site refuses, or when the posts do not arrive.
    """
    tls = ssl.create_default_context(cafile=site.ca)
    with httpx.Client(base_url=site.edge, verify=tls, timeout=10) as client, ThreadPoolExecutor(8) as pool:

        def sign_up(name: str) -> str:
            answer = _ask(client, "POST", "/accounts", {"name": name, "password": "bench the whale"})
            return str(answer["token"])

        def follow(token: str) -> None:
            for author in authors:
                _ask(client, "PUT", f"/users/{author}/follow", None, token)

        def post(turn: int) -> None:
            name = authors[turn % AUTHORS]
            text = TEXT.format(n=turn, name=name, end=ENDING.format(n=turn, name=name))
            _ask(client, "POST", "/posts", {"text": text}, voices[name])

        authors = [f"author{number}" for number in range(AUTHORS)]
        voices = dict(zip(authors, pool.map(sign_up, authors), strict=True))
        readers = list(pool.map(sign_up, (f"reader{number}" for number in range(READERS))))
        list(pool.map(follow, readers))
        list(pool.map(post, range(AUTHORS * POSTS_EACH)))
        return readers, _full_timeline(client, readers)


def _full_timeline(client: httpx.Client, readers: list[str]) -> bytes:
    """The bytes of one timeline of 50, once the fan-out has reached everybody."""
    end = time.monotonic() + 10
    for reader in readers:
        while True:
            answer = client.get(
                "/api/v1/timelines/home?limit=50", headers={"authorization": f"Bearer {reader}"}
            )
            if answer.status_code == 200 and len(answer.json()["items"]) == AUTHORS * POSTS_EACH:
                break
            if time.monotonic() > end:
                raise BenchError(
                    f"a home timeline never had {AUTHORS * POSTS_EACH} posts: {answer.text[:200]}"
                )
            time.sleep(0.05)
    return answer.content


def _ask(client: httpx.Client, method: str, path: str, body: object, token: str = "") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = client.request(method, f"/api/v1{path}", json=body, headers=headers)
    if not answer.is_success:
        raise BenchError(f"{method} {path}: {answer.status_code} {answer.text}")
    result: dict[str, Any] = answer.json()
    return result


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def order(site: Site, *words: str) -> str:
    """What a command says of this site. Raises BenchError."""
    return _failwhale(site.state, *words)


def begin(site: Site, *words: str) -> subprocess.Popen[bytes]:
    """A command about this site, left running; the caller waits for its end or ends it."""
    return subprocess.Popen(
        _command(site.state, *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )


def _failwhale(state: Path, *words: str) -> str:
    done = subprocess.run(
        _command(state, *words), stdin=subprocess.DEVNULL, capture_output=True, text=True, env=_environment()
    )
    if done.returncode != 0:
        message = f"failwhale {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}"
        raise BenchError(message, done.returncode, done.stdout)
    return done.stdout


def _command(state: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "failwhale", *words, "--state", str(state)]


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1"}
