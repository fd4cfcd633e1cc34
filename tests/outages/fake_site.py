"""A small social network on real TLS sockets that can misbehave in any way a test asks for."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import re
import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority that signs good and bad certificates for localhost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        certificate = self._certificate(self._name, self._key.public_key(), days=10, is_authority=True)
        self.file = folder / f"ca-{secrets.token_hex(4)}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *, expired: bool = False, host: str = "localhost") -> tuple[Path, Path]:
        """Files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._certificate(name, key.public_key(), days=-1 if expired else 1, host=host)
        stem = self._folder / secrets.token_hex(4)
        stem.with_suffix(".pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        stem.with_suffix(".key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return stem.with_suffix(".pem"), stem.with_suffix(".key")

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        days: int,
        is_authority: bool = False,
        host: str = "",
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=5))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            # Python 3.13 and newer ask for the three below.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(_key_usage(is_authority), critical=True)
        )
        if host:
            names: list[x509.GeneralName] = [
                x509.DNSName(host),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _key_usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class User:
    id: str
    name: str
    password: str
    secret: str = ""
    pending: str = ""
    used_steps: set[int] = field(default_factory=set)
    protected: bool = False
    following: set[str] = field(default_factory=set)
    removed_by: set[str] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    streams: list[asyncio.Queue[dict[str, Any]]] = field(default_factory=list)


class Problem(Exception):
    def __init__(self, status: int, slug: str = "broken") -> None:
        self.status = status
        self.slug = slug


Fault = Callable[[], Any]
"""Called before a request is handled: may wait, raise Problem, or raise Close."""


class Close(Exception):
    """Drop the connection without an answer."""


class FakeSite:
    """State, two edges, and switches that break it."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.users: dict[str, User] = {}
        self.tokens: dict[str, str] = {}
        self.posts: dict[str, dict[str, Any]] = {}
        self.retweets: dict[str, set[str]] = {}
        self.retweeting = True
        """Whether a retweet that is acknowledged is there."""
        self.likes_error = 0
        """How many likes too many are counted."""
        self.delivered = True
        """Whether new posts reach timelines and notifications."""
        self.streaming = True
        self.leaks = False
        self.lingers = False
        """Whether the home timeline of a follower who was removed still shows what it had."""
        self.timeline: Callable[[list[Any]], list[Any]] = lambda items: items
        self.inbox: Callable[[list[Any]], list[Any]] = lambda items: items
        self.page = b"<html><title>failwhale</title></html>"
        self.created: Callable[[dict[str, Any]], dict[str, Any]] = lambda post: post
        self.replicated = True
        """Whether answers say that a replica has what was written."""
        self.second_factors = True
        """Whether a second factor that is on is asked for."""
        self.requests = 0
        self._hidden: set[str] = set()
        self._faults: list[tuple[str, Fault]] = []
        self._number = int(time.time() * 1000) << 8
        self._servers: dict[str, asyncio.Server] = {}
        self._ports: dict[str, int] = {}
        self._tls: dict[str, ssl.SSLContext] = {}
        self._connections: dict[str, set[asyncio.Task[None]]] = {"east": set(), "west": set()}

    # --- edges ---

    async def __aenter__(self) -> FakeSite:
        for place in ("east", "west"):
            self._tls[place] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls[place].load_cert_chain(*self.authority.issue())
            await self.open(place)
        return self

    async def __aexit__(self, *_: object) -> None:
        for place in list(self._servers):
            await self.close(place)

    @property
    def edges(self) -> dict[str, str]:
        return {place: f"https://localhost:{port}" for place, port in self._ports.items()}

    async def open(self, place: str) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._connections[place].add(task)
            try:
                await self._serve(reader, writer)
            except (OSError, EOFError, asyncio.CancelledError):
                pass
            finally:
                self._connections[place].discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(
            connected, "127.0.0.1", self._ports.get(place, 0), ssl=self._tls[place], backlog=256
        )
        self._servers[place] = server
        self._ports[place] = server.sockets[0].getsockname()[1]

    async def close(self, place: str) -> None:
        """From now on the edge refuses connections."""
        self._servers.pop(place).close()
        for task in list(self._connections[place]):
            task.cancel()
        await asyncio.gather(*self._connections[place], return_exceptions=True)

    def present(self, place: str, certificate: tuple[Path, Path]) -> None:
        """Show another certificate from the next handshake on."""
        self._tls[place].load_cert_chain(*certificate)

    # --- breaking it ---

    @contextmanager
    def fault(self, pattern: str, fault: Fault) -> Iterator[None]:
        """Apply `fault` to requests whose `METHOD /path` matches the pattern."""
        entry = (pattern, fault)
        self._faults.append(entry)
        try:
            yield
        finally:
            self._faults.remove(entry)

    def forget_everything(self) -> None:
        """The store lost its data; sessions are signed, so they stay valid."""
        self.users.clear()
        self.posts.clear()
        self.retweets.clear()

    def forget_second_factors(self) -> None:
        for user in self.users.values():
            user.secret = ""

    def deliver_late(self) -> None:
        """What was held back while `delivered` was off arrives now."""
        self.delivered = True
        self._hidden.clear()

    # --- HTTP ---

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.requests += 1
            path = target.partition("?")[0].removeprefix("/api/v1")
            try:
                for pattern, fault in list(self._faults):
                    if re.fullmatch(pattern, f"{method} {path}"):
                        waits = fault()
                        if waits is not None:
                            await waits
                viewer = self._viewer(headers)
                if path == "/notifications/stream":
                    await self._stream(writer, self._need(viewer))
                    return
                status, content = self._answer(method, path, viewer, json.loads(body) if body else {})
            except Close:
                return
            except Problem as problem:
                status = problem.status
                content = {
                    "type": f"https://failwhale.invalid/problems/{problem.slug}",
                    "title": problem.slug,
                }
            raw = (
                content
                if isinstance(content, bytes)
                else b""
                if content is None
                else json.dumps(content).encode()
            )
            fields = [
                f"HTTP/1.1 {status} X",
                f"content-length: {len(raw)}",
                f"content-type: {'text/html' if content is self.page else 'application/json'}",
                f"failwhale-replicated: {str(self.replicated).lower()}",
            ]
            writer.write("\r\n".join([*fields, "", ""]).encode() + raw)
            await writer.drain()

    def _viewer(self, headers: dict[str, str]) -> User | None:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return None
        if token not in self.tokens:
            raise Problem(401, "not-signed-in")
        return self.users.get(self.tokens[token], User("0", self.tokens[token], ""))

    def _need(self, viewer: User | None) -> User:
        if viewer is None:
            raise Problem(401, "not-signed-in")
        return viewer

    async def _stream(self, writer: asyncio.StreamWriter, viewer: User) -> None:
        events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        viewer.streams.append(events)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        writer.write(b"8\r\n: hello\n\r\n2\r\n\n\n\r\n")
        try:
            while True:
                item = await events.get()
                event = f"event: notification\nid: {item['id']}\ndata: {json.dumps(item)}\n\n".encode()
                writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
                await writer.drain()
        finally:
            viewer.streams.remove(events)

    # --- the social network ---

    def _next_id(self) -> str:
        self._number += 1
        return str(self._number)

    def _token(self, name: str) -> str:
        token = secrets.token_hex(8)
        self.tokens[token] = name
        return token

    def _answer(self, method: str, path: str, viewer: User | None, body: Any) -> tuple[int, Any]:
        match [method, *path.strip("/").split("/")]:
            case ["GET", ""]:
                return 200, self.page
            case ["POST", "accounts"]:
                if extra := set(body) - {"name", "password"}:
                    raise Problem(422, f"invalid-request: {extra}")
                if body["name"] in self.users:
                    raise Problem(409, "handle-taken")
                user = self.users[body["name"]] = User(self._next_id(), body["name"], body["password"])
                session = {"token": self._token(user.name), "device": f"device of {user.name}"}
                return 201, {"id": user.id, "name": user.name, **session}
            case ["POST", "sessions"]:
                user = self.users.get(body["name"], User("", "", secrets.token_hex()))
                if user.password != body["password"]:
                    raise Problem(401, "wrong-password")
                if user.secret and self.second_factors:
                    return 200, {"challenge": user.name}
                return 200, {"token": self._token(user.name), "expires": "2099-01-01T00:00:00Z"}
            case ["POST", "sessions", "second-factor"]:
                user = self.users[body["challenge"]]
                self._check(user, user.secret, body["code"])
                return 200, {"token": self._token(user.name), "expires": "2099-01-01T00:00:00Z"}
            case ["GET", "me", "second-factor"]:
                return 200, {"on": bool(self._need(viewer).secret)}
            case ["POST", "me", "second-factor"]:
                user = self._need(viewer)
                user.pending = pyotp.random_base32()
                return 201, {"secret": user.pending, "uri": ""}
            case ["POST", "me", "second-factor", "confirm"]:
                user = self._need(viewer)
                self._check(user, user.pending, body["code"])
                user.secret = user.pending
                return 204, None
            case ["PUT", "me", "protection"]:
                self._need(viewer).protected = True
                return 204, None
            case ["PUT", "me", "follow-requests", name]:
                self._need(viewer).requests.discard(name)
                self.users[name].following.add(self._need(viewer).name)
                return 204, None
            case ["DELETE", "me", "followers", name]:
                self.users[name].following.discard(self._need(viewer).name)
                self.users[name].removed_by.add(self._need(viewer).name)
                return 204, None
            case ["GET", "users", name]:
                return 200, {"followers": sum(name in user.following for user in self.users.values())}
            case ["PUT", "users", name, "follow"]:
                if self.users[name].protected:
                    self.users[name].requests.add(self._need(viewer).name)
                    return 200, {"state": "requested"}
                self._need(viewer).following.add(name)
                return 200, {"state": "following"}
            case [_, "posts", *_]:
                return self._posts(method, path.strip("/").split("/")[1:], viewer, body)
            case ["GET", "timelines", "home"]:
                user = self._need(viewer)
                shown = user.following | (user.removed_by if self.lingers else set())
                return 200, {"items": self.timeline(self._by(shown)), "next": None}
            case ["GET", "timelines", "users", name]:
                if name in self.users and not self._may_see(viewer, name):
                    raise Problem(403, "protected")
                return 200, {"items": self._by({name}), "next": None}
            case ["GET", "notifications"]:
                return 200, {"items": self.inbox(self._need(viewer).notifications[::-1][:20]), "next": None}
        raise Problem(404, "not-found")

    def _check(self, user: User, secret: str, code: str) -> None:
        now = int(time.time() // 30)
        for step in (now - 1, now, now + 1):
            if pyotp.TOTP(secret).at(step * 30) == code and step not in user.used_steps:
                user.used_steps.add(step)
                return
        raise Problem(401, "wrong-code")

    def _by(self, names: set[str]) -> list[dict[str, Any]]:
        posts = [post for post in self.posts.values() if post["author"]["name"] in names]
        return sorted(
            (post for post in posts if post["id"] not in self._hidden), key=lambda post: -int(post["id"])
        )

    def _may_see(self, viewer: User | None, name: str) -> bool:
        hidden = self.users[name].protected and not self.leaks
        return not hidden or (viewer is not None and (viewer.name == name or name in viewer.following))

    def _posts(self, method: str, rest: list[str], viewer: User | None, body: Any) -> tuple[int, Any]:
        if method == "POST":
            return 201, self.created(self._create(self._need(viewer), body["text"]))
        post = self.posts.get(rest[0])
        if post is None or not self._may_see(viewer, post["author"]["name"]):
            raise Problem(404, "not-found")
        match [method, *rest[1:]]:
            case ["GET"]:
                return 200, post
            case ["DELETE"]:
                del self.posts[rest[0]]
                return 204, None
            case ["PUT", "like"]:
                post["likes"] = 1 + self.likes_error
                return 200, None
            case ["PUT", "retweet"]:
                if self.retweeting:
                    self.retweets.setdefault(rest[0], set()).add(self._need(viewer).name)
                return 200, {}
            case ["DELETE", "retweet"]:
                self.retweets.setdefault(rest[0], set()).discard(self._need(viewer).name)
                return 204, None
            case ["GET", "retweets"]:
                retweets = self.retweets.get(rest[0], set())
                by_viewer = viewer is not None and viewer.name in retweets
                return 200, {"count": len(retweets), "retweeted": by_viewer}
        raise Problem(405, "method-not-allowed")

    def _create(self, author: User, text: str) -> dict[str, Any]:
        identity = {"id": author.id, "name": author.name}
        post = {"id": self._next_id(), "author": identity, "text": text, "likes": 0, "retweets": 0}
        self.posts[post["id"]] = post
        if not self.delivered:
            self._hidden.add(post["id"])
            return post
        for name in re.findall(r"@(\w+)", text):
            mention = {"id": self._next_id(), "kind": "mention", "actor": identity, "post": post["id"]}
            self.users[name].notifications.append(mention)
            if self.streaming:
                for stream in self.users[name].streams:
                    stream.put_nowait(mention)
        return post
