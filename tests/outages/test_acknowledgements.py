"""The prober asks the Alertmanager, while a page is open, who has acknowledged it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prober_under_test import until

import outages.acknowledgements
from outages.acknowledgements import Acknowledgements
from outages.pages import Pages
from testbed.control import Answer, Unreachable

LABELS = {"alertname": "JourneyDown", "severity": "page", "journey": "post"}
START = "2026-11-26T11:59:50.25Z"
SILENCE = {"createdBy": "anna", "comment": "on it", "endsAt": "2026-11-26T12:05:00.000Z"}


class FakeAlertmanager:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False
        self.silenced_by: list[str] = []

    def ask(self, method: str, path: str) -> Answer:
        self.asked.append(path)
        if self.is_down:
            raise Unreachable("127.0.0.1:9093 does not answer")
        alerts = [{"labels": LABELS, "status": {"silencedBy": self.silenced_by}}]
        return Answer(200, json.dumps(alerts if path == "/api/v2/alerts" else SILENCE).encode())


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def pages(told: list[tuple[str, dict[str, Any]]]) -> Pages:
    return Pages(lambda kind, **fields: told.append((kind, fields)))


@contextmanager
def asking(pages: Pages, alertmanager: FakeAlertmanager) -> Iterator[None]:
    task = asyncio.ensure_future(Acknowledgements(pages, lambda: alertmanager).run())  # type: ignore[arg-type, return-value]
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()


async def test_it_is_asked_while_a_page_is_open_and_may_be_down(
    pages: Pages, told: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages.acknowledgements, "ASK_EVERY", 0.005)
    alertmanager = FakeAlertmanager()

    async def until_asked(path: str) -> None:
        del alertmanager.asked[:]
        await until(lambda: path in alertmanager.asked, f"{path} asked")

    with asking(pages, alertmanager):
        await asyncio.sleep(0.05)
        assert alertmanager.asked == []
        firing = {"labels": LABELS, "startsAt": START, "status": "firing"}
        pages.take_notification(json.dumps({"alerts": [firing]}).encode())
        alertmanager.is_down = True
        await until_asked("/api/v2/alerts")
        alertmanager.is_down, alertmanager.silenced_by = False, ["s-1"]
        await until_asked("/api/v2/silence/s-1")
        await until(lambda: len(told) == 2, "the acknowledgement told")
    (opened, _), (acknowledged, fields) = told
    assert (opened, acknowledged) == ("page.opened", "page.acknowledged")
    assert (fields["by"], fields["reason"], fields["start"]) == ("anna", "on it", START)
