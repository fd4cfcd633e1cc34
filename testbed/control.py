"""Asking a part over HTTPS: short, blocking, on a fresh connection each time. Standard library only."""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from foundation.state import State

_TCP_CLOSE = 7
"""The state of a connection that is gone; one that the other end has closed waits for us to close it, too."""


class Unreachable(Exception):
    """The part gave no answer in time: refused, handshake failed, or silent."""


class Silent(Unreachable):
    """It was reached, or at least not refused, and gave no answer in time."""


class WasReset(Unreachable):
    """The connection was ended by TCP's reset."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""

    @property
    def announced(self) -> int:
        """How many bytes the body has, as the answer says itself."""
        return int(self.headers.get("content-length", len(self.body)))

    @property
    def is_sound(self) -> bool:
        """Whether the body is what it says that it is: JSON, a page that has its end, any other text."""
        kind = self.headers.get("content-type", "json")
        try:
            text = self.body.decode()
            if "json" in kind:
                json.loads(text)
        except ValueError:
            return False
        return "html" not in kind or text.rstrip().endswith("</html>")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is none."""
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """For an error answer: what its problem document says, else the status."""
        try:
            problem = self.json()
            return str(problem.get("detail") or problem["title"])
        except (ValueError, KeyError, AttributeError):
            return f"status {self.status}"

    @property
    def problem(self) -> str:
        """For an error answer of the site: the stable end of its problem's type; empty when it has none."""
        try:
            return str(self.json()["type"]).rpartition("/")[2]
        except (ValueError, KeyError, TypeError):
            return ""


class Control:
    """One listener of one part. `timeout` is in seconds and bounds each wait for the network."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        token: str = "",
        timeout: float = 2.0,
        source: str = "",
    ) -> None:
        """`source`: the address of this machine that it is asked from; empty: as the system has it."""
        self._address = (host, port)
        self._source = (source, 0) if source else None
        self._tls = tls
        self._token = token
        self._timeout = timeout

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | Sequence[object] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = math.inf,
    ) -> Answer:
        """One request and its answer, whatever its status; of one that takes more than so many seconds what
        has come until then. Raises Unreachable when there is none: Silent when it was waited for in vain."""
        sent = {"connection": "close", **(headers or {})}
        if self._token:
            sent["authorization"] = f"Bearer {self._token}"
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["content-type"] = "application/json"
        connection = self._connection()
        watched = -1
        try:
            connection.connect()
            watched = os.dup(connection.sock.fileno())
            connection.request(method, path, content, sent)
            until = time.monotonic() + seconds
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, _body(answer, until), named)
        except (OSError, http.client.HTTPException) as error:
            host, port = self._address
            why = f"{host}:{port} does not answer: {error or type(error).__name__}"
            if isinstance(error, TimeoutError):
                raise Silent(why) from error
            raise (WasReset if _is_reset(watched) else Unreachable)(why) from error
        finally:
            connection.close()
            if watched >= 0:
                os.close(watched)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        return http.client.HTTPSConnection(
            host, port, timeout=self._timeout, source_address=self._source, context=self._tls
        )


def _is_reset(descriptor: int) -> bool:
    """Whether the other end has reset a connection, as the kernel has it: where that was read by way of TLS,
    Python tells it as any other end."""
    if descriptor < 0 or not hasattr(socket, "TCP_INFO"):
        return False
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def _body(answer: http.client.HTTPResponse, until: float) -> bytes:
    """The body, or what has come of it by then. Raises IncompleteRead when the connection ends before it
    does."""
    if until == math.inf:
        return answer.read()
    body = b""
    while time.monotonic() < until:
        try:
            piece = answer.read1()
        except TimeoutError:
            break
        if not piece:
            break
        body += piece
    return body


def operators_tls(state: State) -> ssl.SSLContext:
    """Mutual TLS as an operator of the site. Raises OSError when the site has no certificates yet."""
    return _mutual_tls(state.ca, state.client_certificate, state.client_key)


def mutual_tls(folder: Path, name: str) -> ssl.SSLContext:
    """Mutual TLS with the certificate that is called `name` in this folder, whose ca.pem says whom it trusts.
    Raises OSError when there is none."""
    return _mutual_tls(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")


def tls_as(state: State, name: str) -> ssl.SSLContext:
    """Mutual TLS with the certificate that is called `name`. Raises OSError when there is none."""
    from services.platform.pki import folder_of

    folder = folder_of(state.pki, name)
    return _mutual_tls(state.ca, folder / f"{name}.pem", folder / f"{name}.key")


def _mutual_tls(*files: Path) -> ssl.SSLContext:
    """Made once for files that stay as they are, since making it costs more than asking."""
    return _made_of(files, tuple(file.stat().st_mtime_ns for file in files))


@lru_cache(maxsize=32)
def _made_of(files: Sequence[Path], changed: tuple[int, ...]) -> ssl.SSLContext:
    authority, certificate, key = files
    tls = ssl.create_default_context(cafile=str(authority))
    tls.check_hostname = (
        False  # parts are asked by address; that the site's own CA signed them is what counts
    )
    tls.load_cert_chain(certificate, key)
    return tls
