"""Sessions end when asked to; the second factor is asked for, once per code."""

from __future__ import annotations

import time

import pyotp
import pytest

from services.auth.__main__ import application
from services.auth.codes import STEP_SECONDS, matching_step
from services.platform.configuration.document import Document
from services.platform.identity import User
from services.platform.tokens import SessionKeys

PASSWORD = "correct horse"


@pytest.fixture
async def service(start_service):
    return await start_service("auth", application)


@pytest.fixture
async def ann(service):
    """A signed-up account: (id, handle) and its token."""
    answer = await service.call("POST", "/accounts", json={"name": "ann", "password": PASSWORD})
    account = answer.json()
    return (int(account["id"]), "ann"), account["token"]


def slug(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["type"].rpartition("/")[2]


def code_of(secret, steps=1):
    """The code of the next time step: not used by `enrol`, and good also when that step begins meanwhile."""
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // STEP_SECONDS + steps)


async def log_in(service):
    return await service.call("POST", "/sessions", json={"name": "ann", "password": PASSWORD})


async def answer(service, challenge, code):
    body = {"challenge": challenge, "code": code}
    return await service.call("POST", "/sessions/second-factor", json=body)


async def test_logging_out_ends_this_session_only(service, ann, tmp_path):
    user, token = ann
    other = (await log_in(service)).json()["token"]
    gone = await service.call(
        "DELETE", "/sessions/current", user, headers={"authorization": f"Bearer {token}"}
    )
    assert gone.status_code == 204
    sessions, revocations = SessionKeys(tmp_path), service.app.state.site.revocations
    assert revocations.is_revoked(sessions.verify(token))
    assert not revocations.is_revoked(sessions.verify(other))


async def test_logging_out_everywhere_ends_all_sessions_but_no_later_one(service, ann, tmp_path):
    user, token = ann
    other = (await log_in(service)).json()["token"]
    assert (await service.call("DELETE", "/sessions", user)).status_code == 204
    later = (await log_in(service)).json()["token"]
    sessions, revocations = SessionKeys(tmp_path), service.app.state.site.revocations
    ended = [revocations.is_revoked(sessions.verify(each)) for each in (token, other, later)]
    assert ended == [True, True, False]


@pytest.mark.parametrize(
    "authorization", [{}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp5"}]
)
async def test_logging_out_needs_the_token(service, ann, authorization):
    refused = await service.call("DELETE", "/sessions/current", ann[0], headers=authorization)
    assert (refused.status_code, slug(refused)) == (401, "not-signed-in")


async def enrol(service, user):
    """Switch the second factor on with the present code, and return its secret."""
    enrolment = (await service.call("POST", "/me/second-factor", user)).json()
    assert enrolment["uri"].startswith("otpauth://totp/failwhale:ann?secret=")
    code = {"code": code_of(enrolment["secret"], 0)}
    confirmed = await service.call("POST", "/me/second-factor/confirm", user, json=code)
    assert confirmed.status_code == 204
    return enrolment["secret"]


async def is_on(service, user):
    return (await service.call("GET", "/me/second-factor", user)).json()["on"]


async def test_a_second_factor_is_asked_for_once_it_is_confirmed(service, ann, tmp_path):
    user, _ = ann
    await service.call("POST", "/me/second-factor", user)
    assert "token" in (await log_in(service)).json()
    secret = await enrol(service, user)
    challenge = (await log_in(service)).json()
    assert set(challenge) == {"challenge"}
    session = (await answer(service, challenge["challenge"], code_of(secret))).json()
    assert SessionKeys(tmp_path).verify(session["token"]).user.id == user[0]


async def test_a_code_is_good_once(service, ann):
    secret = await enrol(service, ann[0])
    challenge = (await log_in(service)).json()["challenge"]
    code = code_of(secret)
    assert (await answer(service, challenge, code)).status_code == 200
    again = await answer(service, challenge, code)
    assert (again.status_code, slug(again)) == (401, "code-used")


async def test_wrong_codes_are_refused_and_soon_not_even_looked_at(service, ann):
    secret = await enrol(service, ann[0])
    challenge = (await log_in(service)).json()["challenge"]
    wrong = next(
        code for code in ("000000", "111111", "222222", "333333") if matching_step(secret, code) is None
    )
    for _ in range(10):
        refused = await answer(service, challenge, wrong)
        assert (refused.status_code, slug(refused)) == (401, "wrong-code")
    refused = await answer(service, challenge, code_of(secret))
    assert (refused.status_code, slug(refused)) == (429, "too-many-codes")
    assert "retry-after" in refused.headers


async def test_only_a_challenge_is_a_challenge_and_it_is_no_session(service, ann, tmp_path):
    user, token = ann
    secret = await enrol(service, user)
    challenge = (await log_in(service)).json()["challenge"]
    for other in (token, "x", "", challenge[:-2]):
        refused = await answer(service, other, code_of(secret))
        assert (refused.status_code, slug(refused)) == (401, "unknown-challenge")
    refused = await service.call(
        "DELETE", "/sessions/current", user, headers={"authorization": f"Bearer {challenge}"}
    )
    assert (refused.status_code, slug(refused)) == (401, "not-signed-in")


async def test_a_challenge_does_not_last(service, ann, tmp_path):
    expired = SessionKeys(tmp_path).issue_for("second-factor", User(*ann[0]), -1)
    refused = await answer(service, expired, "123456")
    assert (refused.status_code, slug(refused)) == (401, "unknown-challenge")


async def test_switching_the_second_factor_off(service, ann):
    user, _ = ann
    assert await is_on(service, user) is False
    secret = await enrol(service, user)
    assert await is_on(service, user) is True
    again = await service.call("POST", "/me/second-factor", user)
    assert (again.status_code, slug(again)) == (409, "second-factor-on")
    off = {"code": code_of(secret)}
    assert (await service.call("DELETE", "/me/second-factor", user, json=off)).status_code == 204
    assert await is_on(service, user) is False
    assert "token" in (await log_in(service)).json()
    refused = await service.call("DELETE", "/me/second-factor", user, json=off)
    assert (refused.status_code, slug(refused)) == (409, "second-factor-off")
    refused = await service.call("POST", "/me/second-factor/confirm", user, json=off)
    assert (refused.status_code, slug(refused)) == (409, "not-enrolled")


def test_codes_of_the_steps_around_now_are_taken():
    secret = pyotp.random_base32()
    now = 1_800_000_015.0
    step = int(now) // STEP_SECONDS
    at = {steps: pyotp.TOTP(secret).generate_otp(step + steps) for steps in range(-2, 3)}
    assert [matching_step(secret, at[steps], now) for steps in (-1, 0, 1)] == [step - 1, step, step + 1]
    assert {matching_step(secret, at[steps], now) for steps in (-2, 2)} == {None}


async def test_while_codes_are_not_checked_who_has_a_second_factor_cannot_log_in(service, ann):
    user, _ = ann
    secret = (await service.call("POST", "/me/second-factor", user)).json()["secret"]
    await service.call("POST", "/me/second-factor/confirm", user, json={"code": code_of(secret)})
    configuration = service.app.state.site.configuration
    configuration.take(Document(1, values={"flags.second-factor": False}))
    challenge = (await log_in(service)).json()["challenge"]
    refused = await answer(service, challenge, code_of(secret, 0))
    assert (refused.status_code, slug(refused)) == (503, "codes-not-checked")
    configuration.take(Document(2))
    assert (await answer(service, challenge, code_of(secret, 0))).status_code == 200
