"""What a fix leaves behind is put back: settings, releases, parts that are down."""

from __future__ import annotations

from typing import Any

import pytest

import incidents.as_before
from incidents.as_before import AsBefore
from services.platform.configuration.document import INITIAL
from testbed.configuration import setting


class FakeDriver:
    def __init__(self, laboratory: Any) -> None:
        self.state = laboratory.folder
        self.rolled_back: list[str] = []

    def roll_back(self, part: str) -> None:
        self.rolled_back.append(part)


class FakeReleases:
    def __init__(self) -> None:
        self.versions = {"post@east": "1.0"}

    def told_last(self, part: str) -> str:
        return self.versions.get(part, "1.0")


@pytest.fixture
def before(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, AsBefore, list[Any], FakeReleases]:
    changes: list[Any] = []

    def apply(state: Any, make: Any) -> None:
        changes.append(make)
        laboratory.site.documents.append(make(laboratory.site.documents[-1], 9))

    releases = FakeReleases()
    monkeypatch.setattr(incidents.as_before, "Site", lambda state: laboratory.site)
    monkeypatch.setattr(incidents.as_before, "Releases", lambda state: releases)
    monkeypatch.setattr(incidents.as_before, "apply", apply)
    return laboratory.site, AsBefore(FakeDriver(laboratory)), changes, releases  # type: ignore[arg-type]


def test_nothing_is_done_to_what_is_as_it_was(before: Any) -> None:
    _, as_it_was, changes, _ = before
    told: list[tuple[str, str]] = []
    as_it_was.put_back(lambda kind, words: told.append((kind, words)))
    assert (told, changes) == ([], [])


def test_all_that_is_otherwise_is_put_back(before: Any) -> None:
    site, as_it_was, _, releases = before
    drained = setting({"drained.auth.east": True}, "anna", None)(INITIAL, 5)
    site.documents.append(drained)
    site.runtime.kill("post@west")
    releases.versions = {"post@east": "1.1"}
    told: list[str] = []
    as_it_was.put_back(lambda kind, words: told.append(words))
    assert told == [
        "put back: drained.auth.east",
        "put back: what ran before on post@east",
        "put back: post@west is started",
    ]
    assert site.documents[-1].value("drained.auth.east") is False
    assert as_it_was._driver.rolled_back == ["post@east"]
    assert site.runtime.is_running("post@west")
