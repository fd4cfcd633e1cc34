"""The public API for one who needs an answer more than speed: patient, and at home at both edges."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx

from loadtests.target import Target

API = "/api/v1"
_PATIENCE = 15.0
"""Seconds that a request is tried again while the site refuses or fails."""

_PAUSE = 0.25
_LONGEST_PAUSE = 5.0


class Unreadable(Exception):
    """The site did not give an answer that could be judged."""


class PublicApi:
    """Reads as anybody of the population. An async context manager."""

    def __init__(self, target: Target, *, patience: float = _PATIENCE) -> None:
        self._edges = list(target.edges.values())
        self._password = target.census.password
        self._patience = patience
        trust = ssl.create_default_context(cafile=str(target.ca))
        self._client = httpx.AsyncClient(verify=trust, headers={"failwhale-client": "load"}, timeout=10)
        self._tokens: dict[str, str] = {}
        self._logging_in: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> PublicApi:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def text_of(self, post: str, reader: str) -> str | None:
        """The text of a post, None where there is no such post. Raises Unreadable."""
        found = await self.find(f"/posts/{quote(post)}", reader)
        return None if found is None else str(found["text"])

    async def get(self, path: str, reader: str) -> Any:
        """The JSON at `path` as `reader` sees it. Raises Unreadable."""
        return self._content(await self._get(path, reader))

    async def find(self, path: str, reader: str) -> Any:
        """The same, None where there is no such thing. Raises Unreadable."""
        answer = await self._get(path, reader)
        return None if answer.status_code == 404 else self._content(answer)

    async def is_ended(self, token: str) -> bool:
        """Whether a session is good for nothing any more, at either edge. Raises Unreadable."""
        for edge in self._edges:
            answer = await self._ask("GET", "/notifications/unread", token=token, edges=[edge])
            if answer.status_code == 200:
                return False
            if answer.status_code != 401:
                raise Unreadable(f"a session that was ended: {answer.status_code}")
        return True

    def _content(self, answer: httpx.Response) -> Any:
        if answer.status_code != 200:
            raise Unreadable(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")
        try:
            return answer.json()
        except ValueError:
            raise Unreadable(f"{answer.request.url.path} is not JSON") from None

    async def _get(self, path: str, reader: str) -> httpx.Response:
        token = await self._token(reader)
        answer = await self._ask("GET", path, token=token)
        if answer.status_code == 401:
            # The session has ended meanwhile: that says nothing about what is looked for.
            self._tokens.pop(reader, None)
            answer = await self._ask("GET", path, token=await self._token(reader))
        return answer

    async def _token(self, person: str) -> str:
        async with self._logging_in[person]:
            if person not in self._tokens:
                credentials = {"name": person, "password": self._password}
                answer = await self._ask("POST", "/sessions", body=credentials)
                if answer.status_code != 200 or "token" not in answer.json():
                    raise Unreadable(f"{person} cannot log in: {answer.status_code}")
                self._tokens[person] = answer.json()["token"]
            return self._tokens[person]

    async def _ask(
        self, method: str, path: str, *, token: str = "", body: Any = None, edges: Sequence[str] = ()
    ) -> httpx.Response:
        """An answer that is not a refusal for now, from any of these edges, or from either. Raises Unreadable
        when patience ends."""
        edges = edges or self._edges
        until = time.monotonic() + self._patience
        attempt = 0
        while True:
            edge = edges[attempt % len(edges)]
            attempt += 1
            pause = _PAUSE
            try:
                answer = await self._client.request(
                    method,
                    edge + API + path,
                    json=body,
                    headers={"authorization": f"Bearer {token}"} if token else {},
                )
            except httpx.TransportError as error:
                cause = f"{method} {path}: {str(error) or type(error).__name__}"
            else:
                if answer.status_code != 429 and answer.status_code < 500:
                    return answer
                cause = f"{method} {path}: {answer.status_code}"
                pause = _seconds(answer.headers.get("retry-after"))
            if time.monotonic() + pause > until:
                raise Unreadable(cause)
            await asyncio.sleep(pause)


def _seconds(retry_after: str | None) -> float:
    try:
        return min(_LONGEST_PAUSE, max(_PAUSE, float(retry_after or 0)))
    except ValueError:
        return _PAUSE
