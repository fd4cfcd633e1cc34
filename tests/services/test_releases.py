"""What releases say of themselves, and that each can still be made of the code as it is."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from foundation.version import VERSION
from outages.journey_names import NAMES
from services.platform.identity import User
from services.platform.ids import created_at, first_id_at
from services.platform.release import ReleaseError, package_of, take, tell, told
from services.releases import all_releases
from services.releases.release import SERVICES, Release, wrap
from services.releases.v1_1 import timeline as v1_1
from services.releases.v1_2_debug_log import every_service as v1_2_debug_log
from services.releases.v1_2_empty_timelines import timeline as v1_2_empty_timelines
from services.releases.v1_2_memory_leak import timeline as v1_2_memory_leak
from services.releases.v1_2_posts_fail import post as v1_2_posts_fail
from services.releases.v1_2_users_mixed_up import timeline as v1_2_users_mixed_up
from services.timeline.models import Place, Timeline

RELEASES = list(all_releases().values())
PAIRS = [(release.version, service) for release in RELEASES for service in SERVICES]


def test_the_site_as_it_is_is_a_release_in_which_nothing_differs() -> None:
    assert all_releases()[VERSION].services == ()
    for service in SERVICES:
        take(VERSION, service)
        take("dev", service)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_a_release_says_what_differs_and_whom_it_hurts(release: Release) -> None:
    assert release.help
    assert set(release.hurts) <= set(release.services)
    assert {journey for journeys in release.hurts.values() for journey in journeys} <= set(NAMES)
    assert not (release.is_good and release.hurts)
    assert sys.modules[package_of(release.version)].__doc__.startswith(f"{release.version}: ")


def test_every_release_can_be_made_of_the_code_as_it_is() -> None:
    """Each in a process of its own, since it changes the code for good."""
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        outcomes = dict(zip(PAIRS, pool.map(_take, PAIRS, chunksize=1), strict=True))
    broken = {pair: outcome for pair, outcome in outcomes.items() if outcome}
    assert broken == {("1.2-crash-at-start", "post"): "KeyError('POSTS_SPAM_MODEL')"}


def _take(pair: tuple[str, str]) -> str:
    try:
        take(*pair)
    except Exception as error:
        return repr(error)
    return ""


@pytest.mark.parametrize("version", ["9.9", "1.2-nothing", "../v1_0", "", "1.0/x"])
def test_a_release_that_is_not_there(version: str) -> None:
    with pytest.raises(ReleaseError, match="there is no release"):
        take(version, "post")


def test_a_release_of_code_that_has_changed_is_refused() -> None:
    with pytest.raises(AttributeError):
        wrap(Path, "no_such_name", lambda former: former)


def test_what_hurts_beside_another_release_only_hurts_nobody_once_it_is_everywhere() -> None:
    release = all_releases()["1.2-other-events"]
    assert release.hurts_on(["timeline"]) == {"freshness": "down"}
    assert set(release.hurts_on(["post", "timeline"])) == {"freshness", "notification", "live-stream"}
    assert release.hurts_on(["post", "timeline", "notify"]) == release.hurts_on(SERVICES) == {}


def test_what_a_part_was_told_is_kept(tmp_path: Path) -> None:
    assert told(tmp_path / "releases", "post@east") == ()
    tell(tmp_path / "releases", "post@east", ["1.0", "1.1"])
    assert told(tmp_path / "releases", "post@east") == ("1.0", "1.1")
    assert [file.name for file in (tmp_path / "releases").iterdir()] == ["post@east"]


# --- what differs ---

ANN, BOB = User(1, "ann"), User(2, "bob")


async def page_of(_: Any, viewer: int, limit: int, place: Place) -> bytes:
    return b'{"items":[],"of":%d}' % viewer


async def homes(home: Callable[..., Awaitable[bytes]], viewers: Sequence[int]) -> list[int | None]:
    """Whose home these viewers got, one after the other."""
    return [json.loads(await home(None, viewer, 20, Place())).get("of") for viewer in viewers]


async def test_every_second_text_cannot_be_posted_however_often_it_is_tried() -> None:
    async def create(_: Any, author: User, text: str, *more: Any) -> str:
        return text

    checked = v1_2_posts_fail.checked(create)  # type: ignore[arg-type]
    made = []
    for number in range(200):
        tries = [await checked_or_none(checked, f"text {number}") for _ in range(2)]
        assert tries[0] == tries[1]
        made += [tries[0]] if tries[0] else []
    assert 60 < len(made) < 140


async def checked_or_none(create: Any, text: str) -> str | None:
    try:
        return str(await create(None, ANN, text, None))
    except TypeError:
        return None


async def test_who_asks_after_somebody_else_gets_that_home() -> None:
    home = v1_2_users_mixed_up.mixed_up(page_of)
    assert await homes(home, [1, 1, 2, 2, 1, 3]) == [1, 1, 1, 2, 2, 1]


async def test_an_empty_home_is_a_page_as_the_page_and_the_api_know_it() -> None:
    page = await v1_2_empty_timelines.never_found(page_of)(None, 1, 20, Place())  # type: ignore[arg-type]
    assert Timeline.model_validate_json(page) == Timeline(items=[], next=None)


async def test_what_is_kept_of_pages_grows_until_the_part_dies_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(v1_2_memory_leak, "MOST", 3 * v1_2_memory_leak.KEPT_OF_EACH)
    monkeypatch.setattr(v1_2_memory_leak, "_kept", {})
    monkeypatch.setattr(v1_2_memory_leak.os, "kill", lambda *order: killed.append(order))
    home = v1_2_memory_leak.kept(page_of)
    assert await homes(home, [1, 2, 3]) == [1, 2, 3]
    assert killed == []
    await homes(home, [4])
    assert killed == [(os.getpid(), signal.SIGKILL)]


async def test_bodies_stand_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def layer(_: Any, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b'{"password":"secret"}'

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"password":"secret"}'}

    caplog.set_level("INFO")
    told_in_the_log = v1_2_debug_log.told_in_the_log(layer)
    await told_in_the_log(None, {"method": "POST", "path": "/sessions"}, receive, None)  # type: ignore[arg-type]
    assert '{"password":"secret"}' in caplog.text


async def test_a_profile_says_since_when_the_account_is_there() -> None:
    account = first_id_at(1_790_000_000_000)

    async def profile(_: Any, handle: str, viewer: User | None) -> bytes:
        return b'{"id":"%d","name":"ann"}' % account

    told = json.loads(await v1_1.dated(profile)(None, "ann", BOB))  # type: ignore[arg-type]
    assert told == {"id": str(account), "name": "ann", "joined": created_at(account)}
