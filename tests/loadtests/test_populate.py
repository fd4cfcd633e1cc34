"""Loading people by bulk import, into stand-ins of the services that want a certificate and the token."""

from __future__ import annotations

import json
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import argon2
import pytest
from site_files import record, write_site

from foundation.failure import Failure
from foundation.state import State
from loadtests.cli import spell_loaded
from loadtests.populate import BATCH_WEIGHT, PASSWORD, Line, batches, populate
from loadtests.population import generate
from loadtests.target import Census, census_file
from services.platform import genesis
from testbed.sitefile import SiteFile

TOKEN = "a token"
SERVICES = ("auth", "post", "timeline")


@dataclass
class Importers:
    """What the services were sent, by service, in the order of arrival; and how they misbehave."""

    state: State
    imported: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    batches: int = 0
    refuse: str = ""
    swallow: bool = False

    def take(self, service: str, body: bytes, authorization: str) -> tuple[int, dict[str, Any]]:
        if authorization != f"Bearer {TOKEN}":
            return 401, {"title": "not for you"}
        if service == self.refuse:
            return 503, {"title": "store-unavailable", "detail": "no primary"}
        lines = [json.loads(line) for line in body.splitlines()]
        self.imported[service] += lines
        self.batches += 1
        return 200, {"imported": len(lines) - (1 if self.swallow else 0)}


def _handler(importers: Importers, service: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, content = 404, {}
            if self.path == "/-/import":
                status, content = importers.take(service, body, self.headers.get("authorization", ""))
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    genesis.make_certificates(folder, [f"{service}-east" for service in SERVICES])
    return folder


@pytest.fixture
def importers(tmp_path: Path, pki: Path) -> Iterator[Importers]:
    state = State(tmp_path / "state")
    state.secrets.mkdir(parents=True)
    (state.secrets / "token").write_text(TOKEN + "\n")
    state.pki.symlink_to(pki)
    site = Importers(state)
    servers, parts = [], []
    for service in SERVICES:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site, service))
        server.daemon_threads = True
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki / "ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(pki / f"{service}-east.pem", pki / f"{service}-east.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        # The first replica is dead: nobody listens on port 1.
        for place, port in (("west", 1), ("east", server.server_address[1])):
            parts.append(record(f"{service}@{place}", {"8000": f"127.0.0.1:{port}"}))
    write_site(state, parts, on="processes up")
    try:
        yield site
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def test_everything_arrives_in_an_order_that_is_never_dangling(importers: Importers) -> None:
    steps: list[tuple[int, int]] = []
    loaded = populate(importers.state, 60, 3, lambda done, whole: steps.append((done, whole)))
    census = Census.read(census_file(importers.state))
    population = generate(60, 3, census.as_of)
    assert (loaded.people, loaded.posts) == (60, len(population.posts))
    assert loaded.follows == sum(map(len, population.following))

    accounts = importers.imported["auth"]
    assert [row["name"] for row in accounts] == [person.name for person in population.people]
    argon2.PasswordHasher().verify(accounts[0]["password_hash"], PASSWORD)
    assert {row["protected"] for row in accounts} <= {True, False}

    posts = importers.imported["post"]
    assert [row["id"] for row in posts] == [str(post.id) for post in population.posts]
    assert all(
        set(row) >= {"id", "author", "text", "created", "mentions", "likes", "retweets"} for row in posts
    )
    by_name = {row["name"]: row["id"] for row in accounts}
    assert all(by_name[row["author"]["name"]] == row["author"]["id"] for row in posts)

    timeline = importers.imported["timeline"]
    assert ["user" in row for row in timeline] == [True] * 60 + [False] * (len(timeline) - 60)
    fanned_out = {post for row in timeline[60:] for post in row["posts"]}
    assert fanned_out == {row["id"] for row in posts}

    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert census.password == PASSWORD
    assert set(census.celebrities) == {population.people[index].name for index in population.celebrities()}


def test_the_same_people_again_are_the_same_bytes(importers: Importers) -> None:
    assert not populate(importers.state, 10, 3).was_here
    first = {service: list(rows) for service, rows in importers.imported.items()}
    importers.imported.clear()
    again = populate(importers.state, 10, 3)
    assert again.was_here
    assert spell_loaded(again).endswith("were here already")
    for rows in (first["auth"], importers.imported["auth"]):
        for row in rows:
            row.pop("password_hash")
    assert importers.imported == first


def test_other_people_are_refused_where_some_live_already(importers: Importers) -> None:
    populate(importers.state, 10, 3)
    with pytest.raises(Failure, match="10 people of seed 3 live") as refused:
        populate(importers.state, 10, 4)
    assert "--people 10 --seed 3" in refused.value.next_step


def test_after_an_interruption_the_same_ids_are_loaded(importers: Importers) -> None:
    importers.refuse = "timeline"
    with pytest.raises(Failure, match="timeline refused the import: 503 no primary") as refused:
        populate(importers.state, 10, 3)
    assert "failwhale logs timeline@" in refused.value.next_step
    half = Census.read(census_file(importers.state), whole=False)
    assert half.loaded is False
    importers.refuse = ""
    populate(importers.state, 10, 3)
    whole = Census.read(census_file(importers.state))
    assert whole.as_of == half.as_of


def test_a_service_that_takes_less_than_it_was_given_is_not_believed(importers: Importers) -> None:
    importers.swallow = True
    with pytest.raises(Failure, match=r"imported \d+ of \d+ lines"):
        populate(importers.state, 10, 3)


def test_a_site_that_is_not_up_is_one_line_with_the_next_step(importers: Importers, tmp_path: Path) -> None:
    with pytest.raises(Failure) as nowhere:
        populate(State(tmp_path / "nowhere"), 10, 3)
    assert "failwhale up" in nowhere.value.next_step
    parts = SiteFile.read(importers.state).parts
    write_site(importers.state, [part for part in parts if part.place == "west"], on="processes up")
    with pytest.raises(Failure, match="cannot be reached") as down:
        populate(importers.state, 10, 3)
    assert "failwhale up" in down.value.next_step


@pytest.mark.parametrize("people", [-5, 0, 1, 1_000_001])
def test_nonsense_is_refused(importers: Importers, people: int) -> None:
    with pytest.raises(Failure) as refused:
        populate(importers.state, people, 3)
    assert refused.value.code == 2
    assert "--people" in refused.value.next_step
    assert not census_file(importers.state).exists()


def test_batches_keep_the_order_and_are_about_as_much_work() -> None:
    lines = [Line(str(number), BATCH_WEIGHT // 3) for number in range(10)]
    cut = list(batches(lines))
    assert [line for batch in cut for line in batch] == lines
    assert [len(batch) for batch in cut] == [4, 4, 2]
    assert list(batches([])) == []
