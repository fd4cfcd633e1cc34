"""Asking a part over HTTPS: short, blocking, on a fresh connection each time. Standard library only."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from foundation.state import State


class Unreachable(Exception):
    """The part gave no answer in time: refused, handshake failed, or silent."""


class Silent(Unreachable):
    """It was reached, or at least not refused, and gave no answer in time."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

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
        self, host: str, port: int, tls: ssl.SSLContext | None, token: str = "", timeout: float = 2.0
    ) -> None:
        self._address = (host, port)
        self._tls = tls
        self._token = token
        self._timeout = timeout

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request and its answer, whatever its status. Raises Unreachable when there is none: Silent when
        it was waited for in vain."""
        sent = {"connection": "close", **(headers or {})}
        if self._token:
            sent["authorization"] = f"Bearer {self._token}"
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["content-type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            host, port = self._address
            why = f"{host}:{port} does not answer: {error or type(error).__name__}"
            raise (Silent(why) if isinstance(error, TimeoutError) else Unreachable(why)) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)


def operators_tls(state: State) -> ssl.SSLContext:
    """Mutual TLS as an operator of the site. Raises OSError when the site has no certificates yet."""
    return _mutual_tls(state.ca, state.client_certificate, state.client_key)


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
