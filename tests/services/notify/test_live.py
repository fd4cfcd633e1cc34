"""Live streams: at once, without gaps, also over a promotion of the store."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest

from services.notify import live
from services.notify.__main__ import application
from services.notify.consumer import Notifier
from services.platform import access
from services.platform.events.log import Event
from services.platform.problems import Problem
from services.platform.settings import Address, Settings

BASE = 115_292_150_460_684


@asynccontextmanager
async def running(sentinels, tmp_path):
    (tmp_path / access.FILE).write_text(sentinels.access.password)
    where = Address("127.0.0.1", 0)
    settings = Settings("notify", where, tmp_path, tmp_path, "east", sentinels=sentinels.addresses)
    app = application(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def app(sentinels, tmp_path):
    sentinels.pair.empty()
    async with running(sentinels, tmp_path) as app:
        yield app


class Client:
    """Reads a stream as a browser would; httpx's transport for applications reads answers only whole."""

    def __init__(self, app, **headers):
        self.notifications = asyncio.Queue()
        self.comments = asyncio.Queue()
        self.left = asyncio.Event()
        named = {"failwhale-user": "11", "failwhale-name": "ann", **headers}
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": "/api/v1/notifications/stream",
            "raw_path": b"/api/v1/notifications/stream",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "server": ("service", 443),
            "client": ("127.0.0.1", 1),
            "extensions": {},
        }
        self.status = None
        self.headers = {}
        self.began = asyncio.Event()
        self.task = asyncio.create_task(app(self.scope, self._receive, self._send))

    async def _receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
            self.began.set()
            return
        for frame in message["body"].decode().split("\n\n"):
            if frame.startswith(":"):
                self.comments.put_nowait(frame)
            elif frame.startswith("event: notification\n"):
                fields = dict(line.split(": ", 1) for line in frame.splitlines())
                assert json.loads(fields["data"])["id"] == fields["id"]
                self.notifications.put_nowait(int(fields["id"]))

    async def next(self, seconds=5.0):
        async with asyncio.timeout(seconds):
            return await self.notifications.get()

    async def leave(self):
        self.left.set()
        await self.task


@asynccontextmanager
async def listening(app, **headers):
    client = Client(app, **headers)
    try:
        yield client
    finally:
        await client.leave()


async def notify(app, number, account="11"):
    """Make a notification, trying for as long as a promotion takes."""
    notifier = Notifier(app.state.inbox)
    event = Event(BASE + number, "user.followed", 12, {"user": account, "name": "Bob"})
    async with asyncio.timeout(20):
        while True:
            try:
                return await notifier.handle(event)
            except Problem:
                await asyncio.sleep(0.05)


async def subscribed(app, account=11, subscribers=1):
    """Wait until the store has so many connections that listen for the account."""
    channel = f"notifications-of:{account}"
    async with asyncio.timeout(10):
        while True:
            [(_, found)] = await app.state.site.store.redis.pubsub_numsub(channel)
            if found == subscribers:
                return
            await asyncio.sleep(0.01)


async def test_a_notification_arrives_at_once_at_each_client_of_its_account(app):
    async with (
        listening(app) as one,
        listening(app) as two,
        listening(app, **{"failwhale-user": "13"}) as other,
    ):
        await subscribed(app)
        await subscribed(app, 13)
        await notify(app, 1)
        await notify(app, 2, "13")
        assert await one.next() == await two.next() == BASE + 1
        assert await other.next() == BASE + 2
        assert one.notifications.empty()


async def test_a_stream_begins_now_or_after_the_last_event_that_the_client_has(app):
    for number in range(1, 5):
        await notify(app, number)
    async with listening(app) as fresh, listening(app, **{"last-event-id": str(BASE + 2)}) as back:
        assert [await back.next(), await back.next()] == [BASE + 3, BASE + 4]
        await fresh.began.wait()
        await notify(app, 5)
        assert await fresh.next() == await back.next() == BASE + 5


async def test_nothing_is_lost_between_the_request_and_the_subscription(app):
    async with listening(app) as client:
        await client.began.wait()
        for number in range(1, 20):
            await notify(app, number)
        assert [await client.next() for _ in range(1, 20)] == [BASE + number for number in range(1, 20)]


async def test_a_silent_stream_has_a_heartbeat(app, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    async with listening(app) as client, asyncio.timeout(5):
        assert (await client.comments.get()).startswith(":")


async def test_who_is_too_slow_is_hung_up_on_and_nobody_else(app):
    async with asyncio.timeout(5):
        stream = live.NotificationStream(11, 0)
        for number in range(live.QUEUED + 1):
            stream.put(b'{"id":"%d"}' % number)
        frames = [frame async for frame in stream.frames(app.state.inbox)]
    assert len(frames) < live.QUEUED


async def test_channels_of_those_who_left_are_left(app):
    async with listening(app):
        await subscribed(app)
    await subscribed(app, subscribers=0)
    async with listening(app) as client:
        await subscribed(app)
        await notify(app, 1)
        assert await client.next() == BASE + 1


async def test_where_nothing_is_heard_new_streams_are_refused_and_open_ones_end(
    own_sentinels, tmp_path, monkeypatch
):
    monkeypatch.setattr(live, "PROMOTION_SECONDS", 0.3)
    monkeypatch.setattr(live, "DEAF_SECONDS", 0.6)
    monkeypatch.setattr(live, "TICK_SECONDS", 0.05)
    async with running(own_sentinels, tmp_path) as app, listening(app) as open_before:
        await subscribed(app)
        for server in own_sentinels.servers:
            server.kill()  # so that nobody is promoted
        own_sentinels.pair.primary.kill()
        async with asyncio.timeout(5):
            await open_before.task
        async with listening(app) as late, asyncio.timeout(5):
            await late.task
    assert open_before.status == 200
    assert late.status == 503
    assert late.headers[b"failwhale-not-done"] == b"store"


async def test_a_stream_catches_up_long_after_the_deadline_of_its_request(app):
    due = time.time() + 0.5
    async with listening(app, **{"failwhale-deadline": f"{due:.3f}"}) as client:
        await subscribed(app)
        while time.time() <= due:  # noqa: ASYNC110 (a clock has no event)
            await asyncio.sleep(0.01)
        await notify(app, 1)
        assert await client.next() == BASE + 1
        await app.state.live.subscribe(11)  # its confirmation makes the stream catch up
        await notify(app, 2)
        assert await client.next() == BASE + 2


async def test_bad_last_event_ids(app):
    async with listening(app, **{"last-event-id": "x"}) as client:
        async with asyncio.timeout(5):
            await client.task
        assert client.status == 422


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_a_stream_survives_the_loss_of_the_primary(own_sentinels, tmp_path, monkeypatch, how):
    # Sentinels whose votes are split elect again, and may take longer than a stream waits before it ends.
    monkeypatch.setattr(live, "DEAF_SECONDS", 30)
    own_sentinels.wait_until_they_can_promote()
    async with running(own_sentinels, tmp_path) as app, listening(app) as client:
        await subscribed(app)
        await notify(app, 1)
        assert await client.next() == BASE + 1
        getattr(own_sentinels.pair.primary, how)()
        await notify(app, 2)
        await notify(app, 3)
        assert [await client.next(10), await client.next()] == [BASE + 2, BASE + 3]
        await subscribed(app)
        await notify(app, 4)
        assert await client.next() == BASE + 4
