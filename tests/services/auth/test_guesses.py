"""Passwords cannot be guessed for long, and guessing does not lock the owner out."""

from __future__ import annotations

import asyncio

import pytest

from services.auth import guesses
from services.auth.__main__ import application

PASSWORD = "correct horse"
MANY = guesses.AT_ONCE + 5


@pytest.fixture
async def service(start_service):
    return await start_service("auth", application)


async def sign_up(service, name):
    answer = await service.call("POST", "/accounts", json={"name": name, "password": PASSWORD})
    return answer.json()


async def log_in(service, name, password, device=None):
    given = {"name": name, "password": password} | ({"device": device} if device else {})
    answer = await service.call("POST", "/sessions", json=given)
    return answer.status_code


async def guess(service, name, device=None, times=MANY):
    return [await log_in(service, name, f"guess number {number}", device) for number in range(times)]


async def test_guesses_are_bounded_for_an_account_whatever_its_spelling(service):
    await sign_up(service, "ann")
    assert await guess(service, "ann") == [401] * guesses.AT_ONCE + [429] * 5
    assert await log_in(service, "ANN", PASSWORD) == 429, "not even a right one is told"
    answer = await service.call("POST", "/sessions", json={"name": "Ann", "password": PASSWORD})
    assert answer.json()["type"].endswith("/too-many-guesses")
    assert 0 < int(answer.headers["retry-after"]) <= guesses.SECONDS_FOR_ONE


async def test_many_at_a_time_are_no_way_around(service):
    await sign_up(service, "ann")
    at_once = await asyncio.gather(
        *(log_in(service, "ann", f"guess number {number}") for number in range(MANY))
    )
    assert sorted(at_once) == [401] * guesses.AT_ONCE + [429] * 5


async def test_nobody_learns_which_accounts_exist(service):
    assert await guess(service, "nobody") == [401] * guesses.AT_ONCE + [429] * 5


async def test_whoever_was_signed_in_before_is_not_locked_out(service):
    ann, bob = await sign_up(service, "ann"), await sign_up(service, "bob")
    await guess(service, "ann")
    assert await log_in(service, "ann", PASSWORD) == 429
    assert await log_in(service, "ann", PASSWORD, ann["device"]) == 200
    assert await log_in(service, "bob", PASSWORD) == 200
    for device in (bob["device"], ann["token"], "nonsense"):
        assert await log_in(service, "ann", PASSWORD, device) == 429, "a device of somebody else is none"


async def test_a_login_answers_a_device_as_well(service):
    await sign_up(service, "ann")
    answer = await service.call("POST", "/sessions", json={"name": "ann", "password": PASSWORD})
    await guess(service, "ann")
    assert await log_in(service, "ann", PASSWORD, answer.json()["device"]) == 200


async def test_a_device_is_no_way_to_guess_for_ever(service):
    device = (await sign_up(service, "ann"))["device"]
    assert await guess(service, "ann", device) == [401] * guesses.AT_ONCE + [429] * 5
    assert await log_in(service, "ann", PASSWORD) == 200, "and harms no other"


async def test_a_right_password_costs_nothing(service):
    await sign_up(service, "ann")
    assert {await log_in(service, "ann", PASSWORD) for _ in range(MANY)} == {200}


async def test_a_device_is_no_session(service):
    ann = await sign_up(service, "ann")
    headers = {"authorization": f"Bearer {ann['device']}"}
    user = (int(ann["id"]), "ann")
    refused = await service.call("DELETE", "/sessions/current", user, headers=headers)
    assert refused.status_code == 401


async def test_the_allowance_comes_back(service, monkeypatch):
    await sign_up(service, "ann")
    await guess(service, "ann")
    now = guesses.SECONDS_FOR_ONE + 1
    from services.platform import rate_limit

    monkeypatch.setattr(rate_limit, "monotonic", lambda later=rate_limit.monotonic() + now: later)
    assert await guess(service, "ann", times=2) == [401, 429]
