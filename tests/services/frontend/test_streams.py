"""Live streams through the front end: open as long as both ends are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.platform.identity import User
from services.platform.tokens import Session

from .conftest import Front, Request, StartFront, answering

BOB = User(42, "bob")

PATH = "/api/v1/notifications/stream"
SECONDS = 5


class Listener:
    """A client of the stream that can leave, as the server would show it to an application."""

    def __init__(self, front: Front, token: str) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.text = b""
        self.ended = False
        self._left = asyncio.Event()
        self._something = asyncio.Condition()
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 6),
        }
        self._asked = False
        self.task = asyncio.create_task(front.public(scope, self._receive, self._send))

    def leave(self) -> None:
        self._left.set()

    async def until(self, condition: Callable[[Listener], bool]) -> None:
        async with asyncio.timeout(SECONDS), self._something:
            await self._something.wait_for(lambda: condition(self))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        async with self._something:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = dict(message["headers"])
            else:
                self.text += message.get("body", b"")
                self.ended = not message.get("more_body", False)
            self._something.notify_all()


class Notify:
    """A notify service whose stream says what the test tells it to, and sees its reader leave."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def stream(self, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        closing = asyncio.ensure_future(request.hung_up())
        try:
            while True:
                saying = asyncio.ensure_future(self.said.get())
                await asyncio.wait((saying, closing), return_when=asyncio.FIRST_COMPLETED)
                if closing.done():
                    saying.cancel()
                    return
                piece = saying.result()
                if piece is None:
                    writer.transport.abort()
                    return
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        finally:
            closing.cancel()
            writer.close()


@pytest.fixture
def notify(front: Front) -> Notify:
    notify = Notify()
    front.services["notify"].east.behaviour = notify.stream
    return notify


async def test_events_come_through_one_by_one(front: Front, notify: Notify) -> None:
    listener = Listener(front, front.token())
    await notify.said.put(b": hello\n\n")
    await listener.until(lambda it: it.text == b": hello\n\n")
    assert listener.status == 200
    assert listener.headers[b"content-type"] == b"text/event-stream"
    await notify.said.put(b"event: notification\ndata: {}\n\n")
    await listener.until(lambda it: it.text.endswith(b"data: {}\n\n"))
    assert not listener.ended
    listener.leave()
    await listener.task


async def test_a_client_that_leaves_ends_the_stream_behind(front: Front, notify: Notify) -> None:
    listener = Listener(front, front.token())
    await notify.said.put(b": hello\n\n")
    await listener.until(lambda it: it.text != b"")
    listener.leave()
    async with asyncio.timeout(SECONDS):
        await listener.task
        while front.services["notify"].east.connections:  # noqa: ASYNC110 - the other end of a real socket
            await asyncio.sleep(0.005)


async def test_a_service_that_is_lost_ends_the_stream(front: Front, notify: Notify) -> None:
    listener = Listener(front, front.token())
    await notify.said.put(b": hello\n\n")
    await listener.until(lambda it: it.text != b"")
    await notify.said.put(None)
    await listener.until(lambda it: it.ended)
    async with asyncio.timeout(SECONDS):
        await listener.task


async def test_a_session_that_ends_takes_its_stream_along(
    front: Front, notify: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener(front, front.token(sid="mine"))
    await notify.said.put(b": hello\n\n")
    await listener.until(lambda it: it.text != b"")

    def is_revoked(session: Session) -> bool:
        return session.sid == "mine"

    monkeypatch.setattr(front.site.revocations, "is_revoked", is_revoked)
    await notify.said.put(b"data: secret\n\n")
    await listener.until(lambda it: it.ended)
    assert b"secret" not in listener.text


async def test_a_refusal_is_no_stream(front: Front) -> None:
    front.services["notify"].east.behaviour = answering(
        401, b'{"status":401}', {"content-type": "application/problem+json"}
    )
    answer = await front.http.get(PATH, headers=front.signed_in())
    assert answer.status_code == 401
    assert answer.json() == {"status": 401}


async def test_a_place_that_hears_nothing_leaves_the_stream_to_the_other(
    front: Front, notify: Notify
) -> None:
    behind = front.services["notify"]
    behind.west.behaviour = notify.stream
    behind.east.behaviour = answering(503, b"{}", {"failwhale-not-done": "store", "retry-after": "1"})
    listener = Listener(front, front.token())
    await notify.said.put(b": hello\n\n")
    await listener.until(lambda it: it.text == b": hello\n\n")
    assert (listener.status, listener.headers[b"server-timing"]) == (200, b'notify;desc="west"')
    listener.leave()
    await listener.task


async def test_streams_take_no_place_among_requests(front: Front, notify: Notify) -> None:
    listener = Listener(front, front.token())
    await notify.said.put(b": hello\n\n")
    await listener.until(lambda it: it.text != b"")
    assert front.site.metrics.registry.get_sample_value("http_server_active_requests") == 0
    assert front.site.metrics.registry.get_sample_value("http_server_active_streams") == 1
    listener.leave()
    await listener.task
    assert front.site.metrics.registry.get_sample_value("http_server_active_streams") == 0


async def test_an_account_that_opens_too_many_streams_loses_its_oldest(start_front: StartFront) -> None:
    front = await start_front(FRONTEND_ACCOUNT_STREAMS="2")
    notify = Notify()
    front.services["notify"].east.behaviour = notify.stream
    listeners = []
    for token in (front.token(), front.token(), front.token(BOB), front.token()):
        listener = Listener(front, token)
        await listener.until(lambda it: it.status == 200)
        listeners.append(listener)
    first, *others = listeners
    await first.until(lambda it: it.ended)
    await first.task
    assert not any(listener.ended for listener in others)
    for listener in others:
        listener.leave()
        await listener.task


async def test_streams_are_bounded_and_what_is_over_is_told_to_come_back(start_front: StartFront) -> None:
    front = await start_front(FRONTEND_STREAMS="1")
    notify = Notify()
    front.services["notify"].east.behaviour = notify.stream
    open_one = Listener(front, front.token())
    await open_one.until(lambda it: it.status == 200)
    refused = await front.http.get(PATH, headers=front.signed_in(BOB))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert refused.json()["type"].endswith("/too-many-streams")
    open_one.leave()
    await open_one.task
    again = Listener(front, front.token(BOB))
    await again.until(lambda it: it.status == 200)
    again.leave()
    await again.task
