"""A small site over HTTPS that behaves like the real one's public address, until it is told not to."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from site_files import write_site

from foundation.state import State
from loadtests.population import EPOCH_MILLISECONDS, Population, generate
from loadtests.target import Census, Target, acknowledged_file, census_file
from services.platform import pki

PEOPLE, SEED = 40, 7
AS_OF = EPOCH_MILLISECONDS + 100 * 86_400_000


@dataclass
class FakeSite:
    """Two edges before one memory. What it does wrong is what a test sets."""

    state: State
    population: Population
    ports: dict[str, int] = field(default_factory=dict)
    flowing: threading.Event = field(default_factory=threading.Event)
    """While clear, every request waits."""
    refusal: tuple[int, str] | None = None
    """A status and a Retry-After header that answer everything but logins."""
    lose: bool = False
    """New posts are acknowledged and forgotten."""
    lose_fan_out: bool = False
    """New posts are there, and on nobody's timeline."""
    fan_out_at: float = 0.0
    """New posts are on timelines from this time.monotonic() on."""
    duplicate: bool = False
    """New posts are on every timeline twice."""
    write_twice: bool = False
    """One request makes two posts."""
    alter: bool = False
    """New posts are kept with another text."""
    empty_homes: bool = False
    replicated: bool | None = True
    """What it says of every write; None: nothing."""
    forgetful: bool = False
    """Changes (likes, follows and so on) are acknowledged and forgotten."""
    states: set[tuple[str, str, str]] = field(default_factory=set)
    """What is on: the kind of state, who has it, and what it is about."""
    ended: dict[str, set[str]] = field(default_factory=lambda: {"east": set(), "west": set()})
    """By edge, the sessions that it knows to be ended."""
    posts: dict[int, dict[str, Any]] = field(default_factory=dict)
    retweeted: dict[tuple[str, int], int] = field(default_factory=dict)
    """By who retweeted and what: the place on timelines."""
    notifications: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of each person, the newest first."""
    notify: bool = True
    spoil: Callable[[str, str, Any], Any] = lambda who, path, content: content
    """What becomes of a good answer to somebody's GET."""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Edge, method and path of each."""
    _last_id: int = 0
    _sessions: int = 0

    def __post_init__(self) -> None:
        self.flowing.set()
        self.lock = threading.Lock()
        self.index = {person.name: number for number, person in enumerate(self.population.people)}
        for post in self.population.posts:
            author = self.population.people[post.author]
            self.posts[post.id] = _post(post.id, author.id, author.name, post.text)
        self._last_id = max(self.posts)
        self.states.update(("protect", one.name, one.name) for one in self.population.people if one.protected)

    @property
    def target(self) -> Target:
        return Target.of(self.state)

    @property
    def record(self) -> Path:
        return acknowledged_file(self.state)

    def write(self, author: str, text: str) -> dict[str, Any]:
        with self.lock:
            for _ in range(2 if self.write_twice else 1):
                self._last_id += 4096
                person = self.population.people[self.index[author]]
                post = _post(self._last_id, person.id, author, "something else" if self.alter else text)
                post["on_timelines"] = 0 if self.lose_fan_out else 2 if self.duplicate else 1
                if not self.lose:
                    self.posts[self._last_id] = post
                    for name in self.mentioned_in(text):
                        if self.may_see(author, name):
                            self._tell(name, "mention", author, str(self._last_id))
            return {**post, "text": text, "replicated": self.replicated}

    def mentioned_in(self, text: str) -> list[str]:
        return [word[1:] for word in text.split() if word.startswith("@") and word[1:] in self.index]

    def follows(self, who: str, name: str) -> bool:
        """Since the population came, or since a follow that needed nobody's approval."""
        if who not in self.index or name not in self.index:
            return False
        at_first = self.index[name] in self.population.following[self.index[who]]
        return at_first or (
            ("follow", who, name) in self.states and ("protect", name, name) not in self.states
        )

    def may_see(self, author: str, viewer: str) -> bool:
        return (
            ("protect", author, author) not in self.states or author == viewer or self.follows(viewer, author)
        )

    def timeline(self, authors: set[str], viewer: str) -> list[dict[str, Any]]:
        """What they posted and retweeted, each post once, at its newest place."""
        late = time.monotonic() < self.fan_out_at
        with self.lock:
            places = {number: (number, post, {}) for number, post in self.posts.items()}
            entries = [place for place in places.values() if place[1]["author"]["name"] in authors]
            for (who, number), place in self.retweeted.items():
                if who in authors and number in self.posts:
                    by = {"retweeted_by": {"id": "1", "name": who}}
                    entries.append((place, self.posts[number], by))
        items: list[dict[str, Any]] = []
        seen: set[str] = set()
        for _, post, by in sorted(entries, key=lambda entry: -entry[0]):
            if post["id"] in seen or not self.may_see(post["author"]["name"], viewer):
                continue
            seen.add(post["id"])
            times = post.get("on_timelines", 1)
            items += [{**post, **by}] * (0 if late and "on_timelines" in post else times)
        return items

    def next_id(self) -> int:
        self._last_id += 4096
        return self._last_id

    def _tell(self, name: str, kind: str, actor: str, post: str) -> None:
        if self.notify and name != actor:
            self._last_id += 4096
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            about = {"post": post} if post else {}
            told = {
                "id": str(self._last_id),
                "kind": kind,
                "actor": {"id": "1", "name": actor},
                "created": now,
            }
            self.notifications.setdefault(name, []).insert(0, told | about)

    def change(self, state: str, who: str, subject: str, on: bool) -> None:
        with self.lock:
            if self.forgetful:
                return
            is_new = on and (state, who, subject) not in self.states
            (self.states.add if on else self.states.discard)((state, who, subject))
            if state == "retweet":
                self._change_retweet(who, int(subject), on, is_new)
            if is_new and state in ("like", "retweet") and int(subject) in self.posts:
                self._tell(self.posts[int(subject)]["author"]["name"], state, who, subject)
            if is_new and state == "follow" and not self._followed_at_first(who, subject):
                protected = ("protect", subject, subject) in self.states
                self._tell(subject, "follow-request" if protected else "follow", who, "")

    def _change_retweet(self, who: str, post: int, on: bool, is_new: bool) -> None:
        if is_new:
            self._last_id += 4096
            self.retweeted[who, post] = self._last_id
        elif not on:
            self.retweeted.pop((who, post), None)

    def _followed_at_first(self, who: str, name: str) -> bool:
        return self.index[name] in self.population.following[self.index[who]]

    def log_out(self, token: str) -> None:
        with self.lock:
            if not self.forgetful:
                for known in self.ended.values():
                    known.add(token)

    def answer(
        self, method: str, path: str, query: dict[str, str], token: str, body: Any, edge: str
    ) -> tuple[int, Any]:
        status, content = self._answer(method, path, query, token, body, edge)
        if method == "GET" and status in (200, 404):
            content = self.spoil(token.partition(".")[0], path, content if status == 200 else None)
            status = 404 if content is None else 200
        return status, content

    def _answer(
        self, method: str, path: str, query: dict[str, str], token: str, body: Any, edge: str
    ) -> tuple[int, Any]:
        if method == "POST" and path == "/sessions":
            self._sessions += 1
            session = {"token": f"{body['name']}.{self._sessions}"}
            return (200, session) if body["name"] in self.index else (401, {})
        who = token.partition(".")[0]
        if not who or token in self.ended[edge]:
            return 401, {}
        match method, path.strip("/").split("/"):
            case "GET", ["timelines", "home"]:
                followed = {name for name in self.index if self.follows(who, name)}
                items = self.timeline({who, *followed}, who)
                return 200, _page([] if self.empty_homes else items, query)
            case "GET", ["timelines", "users", name]:
                hidden = not self.may_see(name, who)
                return (404, {}) if hidden else (200, _page(self.timeline({name}, who), query))
            case "GET", ["users", name]:
                protected = ("protect", name, name) in self.states
                asked = ("follow", who, name) in self.states
                state = ("requested" if protected else "following") if asked else "none"
                profile = {"name": name, "followers": 1, "following": 1}
                return 200, {**profile, "state": state, "protected": protected}
            case "PUT", ["users", name, "follow"]:
                self.change("follow", who, name, True)
                return 200, {"state": "following"}
            case "PUT" | "DELETE", ["me", "protection"]:
                self.change("protect", who, who, method == "PUT")
                return 204, None
            case "DELETE", ["sessions", "current"]:
                self.log_out(token)
                return 204, None
            case "GET", ["posts", post, "likes" | "retweets" as states]:
                if not self._shows(post, who):
                    return 404, {}
                state, word = ("like", "liked") if states == "likes" else ("retweet", "retweeted")
                return 200, {"count": 1, word: (state, who, post) in self.states}
            case "GET", ["posts", post]:
                return (200, self.posts[int(post)]) if self._shows(post, who) else (404, {})
            case "POST", ["posts"]:
                return 201, self.write(who, body["text"])
            case "PUT", ["posts", post, "like"]:
                self.change("like", who, post, True)
                return 204, None
            case "PUT", ["posts", post, "retweet"]:
                self.change("retweet", who, post, True)
                return 200, {"count": 1}
            case "DELETE", ["posts", post, "retweet"]:
                self.change("retweet", who, post, False)
                return 204, None
            case "GET", ["notifications", "unread"]:
                return 200, {"count": 0}
            case "GET", ["notifications"]:
                return 200, _page(self.notifications.get(who, []), query)
        return 404, {}

    def _shows(self, post: str, who: str) -> bool:
        found = self.posts.get(int(post))
        return found is not None and self.may_see(found["author"]["name"], who)


def _post(post: int, author_id: int, author: str, text: str) -> dict[str, Any]:
    return {"id": str(post), "author": {"id": str(author_id), "name": author}, "text": text}


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    begin, limit = int(query.get("cursor", 0)), int(query.get("limit", 20))
    end = begin + limit
    return {"items": items[begin:end], "next": str(end) if end < len(items) else None}


def _handler(site: FakeSite, edge: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            site.requests.append((edge, self.command, self.path))
            site.flowing.wait()
            url = urlsplit(self.path)
            path = url.path.removeprefix("/api/v1")
            if site.refusal and path != "/sessions":
                status, content = site.refusal[0], {}
            else:
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                status, content = site.answer(self.command, path, query, token, body, edge)
            data = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            if site.refusal and path != "/sessions":
                self.send_header("retry-after", site.refusal[1])
            if self.command != "GET" and path != "/sessions" and site.replicated is not None:
                self.send_header("failwhale-replicated", str(site.replicated).lower())
            if status != 204:
                self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error here."""


@pytest.fixture(scope="session")
def unserved_site(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], FakeSite]:
    """Makes sites that nobody serves: a test asks them by itself."""
    population = generate(PEOPLE, SEED, AS_OF)

    def make() -> FakeSite:
        return FakeSite(State(tmp_path_factory.mktemp("unserved")), population)

    return make


@pytest.fixture(scope="session")
def fake_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    authority = pki.new_authority()
    pki.install_authority(folder, authority)
    pki.issue("frontend-east", ca=authority).install(folder, "frontend-east")
    return folder


@pytest.fixture
def fake_site(tmp_path: Path, fake_pki: Path) -> Iterator[FakeSite]:
    state = State(tmp_path / "state")
    state.path.mkdir()
    state.pki.symlink_to(fake_pki)
    population = generate(PEOPLE, SEED, AS_OF)
    names = tuple(population.people[index].name for index in population.celebrities())
    Census(PEOPLE, SEED, AS_OF, "failwhale", names).write(census_file(state))
    site = FakeSite(state, population)
    servers = []
    for edge in ("east", "west"):
        server = _Server(("127.0.0.1", 0), _handler(site, edge))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(fake_pki / "frontend-east.pem", fake_pki / "frontend-east.key")
        # The handshake belongs to the thread of the connection, not to the one that accepts.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        site.ports[edge] = server.server_address[1]
        servers.append(server)
    edges = {edge: f"https://localhost:{port}" for edge, port in site.ports.items()}
    write_site(state, edges=edges, on="processes up")
    try:
        yield site
    finally:
        site.flowing.set()
        for server in servers:
            server.shutdown()
            server.server_close()
