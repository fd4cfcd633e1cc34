"""What becomes of an answer that a fault spoils, message by message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message

from services.platform.injection.answers import Client, SpoiledAnswer
from services.platform.injection.applied import AppliedFault
from services.platform.injection.spec import FaultSpec

BODY = json.dumps({"posts": list(range(30))}).encode()
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(BODY))]}
SOON = 5.0


class Way:
    """Of one answer to a client, who stays until the connection is ended."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.is_cut = asyncio.Event()

    def through(self, lease: float = 60.0, **fault: Any) -> tuple[SpoiledAnswer, AppliedFault]:
        applied = AppliedFault("f", FaultSpec(seconds=60, **fault), 0.0, {})
        return SpoiledAnswer(applied, self._send, Client(self.is_cut.set, self._leaves), lease), applied

    async def _send(self, message: Message) -> None:
        self.sent.append(dict(message))

    async def _leaves(self) -> None:
        await self.is_cut.wait()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def length(self) -> int:
        return int(dict(self.sent[0]["headers"])[b"content-length"])


@pytest.fixture
async def way() -> Way:
    return Way()


def piece(body: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def test_a_truncated_answer_is_short_in_itself_and_ends(way: Way) -> None:
    answer, _ = way.through(kind="truncated", keep=0.5)
    for message in (dict(START), piece(BODY[:10], True), piece(BODY[10:])):
        await answer.send(message)
    assert way.body == BODY[: len(BODY) // 2]
    assert way.length == len(way.body)
    assert way.sent[-1]["more_body"] is False


async def test_of_a_stream_each_piece_is_cut(way: Way) -> None:
    answer, _ = way.through(kind="truncated", keep=1.0)
    await answer.send({"type": "http.response.start", "status": 200, "headers": []})
    await answer.send(piece(b"data: 1\n\n", True))
    await answer.send(piece(b"data: 2\n\n", True))
    assert way.body == b"data: 1\ndata: 2\n"


async def test_an_answer_without_a_body_is_as_it_was(way: Way) -> None:
    for kind in ("truncated", "corrupted", "aborted", "slow-drip"):
        answer, _ = way.through(kind=kind)
        await answer.send(piece(b""))
        assert way.sent.pop() | {"more_body": False} == piece(b"")
    assert not way.is_cut.is_set()


@pytest.mark.parametrize(("every", "changed"), [(1, len(BODY)), (20, -(-len(BODY) // 20)), (10_000, 1)])
async def test_a_corrupted_answer_is_as_long_as_ever_and_no_text(way: Way, every: int, changed: int) -> None:
    answer, _ = way.through(kind="corrupted", every=every)
    await answer.send(dict(START))
    await answer.send(piece(BODY))
    assert way.length == len(way.body) == len(BODY)
    assert sum(one != other for one, other in zip(way.body, BODY, strict=True)) == changed
    with pytest.raises(UnicodeDecodeError):
        way.body.decode()


@pytest.mark.parametrize(("value", "left"), [("text/plain", [b"text/plain"]), ("", [])])
async def test_a_wrong_header_is_there_once_or_not_at_all(way: Way, value: str, left: list[bytes]) -> None:
    answer, _ = way.through(kind="wrong-headers", value=value)
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await answer.send({**START, "headers": head})
    await answer.send(piece(BODY))
    assert [said for name, said in way.sent[0]["headers"] if name == b"content-type"] == left
    assert (way.length, way.body) == (len(BODY), BODY)


async def test_an_aborted_answer_announces_all_and_ends_in_the_middle(way: Way) -> None:
    answer, _ = way.through(kind="aborted", keep=0.25)
    await answer.send(dict(START))
    await answer.send(piece(BODY))
    await answer.send(piece(b"more"))
    assert (way.length, way.body) == (len(BODY), BODY[: len(BODY) // 4])
    assert way.is_cut.is_set()


async def test_a_drip_is_as_fast_as_it_says(way: Way) -> None:
    answer, _ = way.through(kind="slow-drip", rate=1000)
    began = asyncio.get_running_loop().time()
    await answer.send(piece(BODY))
    assert asyncio.get_running_loop().time() - began >= (len(BODY) - 20) / 1000 - 0.01
    assert way.body == BODY
    assert [message["more_body"] for message in way.sent] == [True] * (len(way.sent) - 1) + [False]


@pytest.mark.parametrize(
    "end",
    [
        lambda way, applied: applied.ended.set(),
        lambda way, applied: way.is_cut.set(),
    ],
    ids=["the fault is over", "the client has gone"],
)
async def test_a_drip_ends_with(way: Way, end: Callable[[Way, AppliedFault], None]) -> None:
    answer, applied = way.through(kind="slow-drip", rate=1)
    sending = asyncio.ensure_future(answer.send(piece(BODY)))
    async with asyncio.timeout(SOON):
        while not way.sent:  # noqa: ASYNC110 - what is sent is a list, not an event
            await asyncio.sleep(0.001)
        end(way, applied)
        await sending
    assert way.body == BODY


async def test_a_drip_ends_with_the_lease(way: Way) -> None:
    answer, _ = way.through(kind="slow-drip", rate=1, lease=0.05)
    async with asyncio.timeout(SOON):
        await answer.send(piece(BODY))
    assert way.body == BODY
