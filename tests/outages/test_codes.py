"""The pool of codes of a second factor: each is good once, and there is always one soon."""

from __future__ import annotations

import pytest

from outages import accounts
from outages.accounts import END_OF_STEP, STEP_SECONDS, Codes, ProberAccount
from outages.cast import CODE_ACCOUNTS
from outages.journey_probe import NORMAL_EVERY, TROUBLED_EVERY

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = 1_000


class Now:
    """A clock that is set by the test."""

    def __init__(self) -> None:
        self.seconds = float(STEP * STEP_SECONDS)

    def time(self) -> float:
        return self.seconds


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    clock = Now()
    monkeypatch.setattr(accounts, "time", clock)
    return clock


def pool(enrolled: int = CODE_ACCOUNTS, size: int = CODE_ACCOUNTS) -> Codes:
    rows = [ProberAccount("codes", f"codes_{number}", "secret word") for number in range(size)]
    for row in rows[:enrolled]:
        row.secret = SECRET
    return Codes(rows)


def use(codes: Codes, *, answered: bool = True) -> str:
    """The account whose code an attempt used; empty when it got none."""
    with codes.take() as code:
        if code is None:
            return ""
        code.send()
        if answered:
            code.spend()
        return code.account.name


@pytest.mark.parametrize("every", [NORMAL_EVERY, TROUBLED_EVERY])
def test_somebody_can_always_look_soon_however_often_the_journey_was_tried(now: Now, every: float) -> None:
    codes = pool()
    used: list[str] = []
    waited = longest = 0.0
    for turn in range(int((STEP_SECONDS - END_OF_STEP) / every)):
        now.seconds = STEP * STEP_SECONDS + turn * every
        name = use(codes)
        waited = 0.0 if name else waited + every
        longest = max(longest, waited)
        used.extend(filter(None, [name]))
    assert len(set(used)) == len(used), "no code is used twice"
    assert longest <= NORMAL_EVERY
    if every == NORMAL_EVERY:
        assert longest == 0.0, "at rest no attempt is left out"


def test_while_the_pool_fills_nothing_is_kept_back(now: Now) -> None:
    codes = pool(enrolled=6)
    assert [bool(use(codes)) for _ in range(7)] == [True] * 6 + [False]


def test_a_code_without_an_answer_is_tried_again_when_there_is_no_fresh_one(now: Now) -> None:
    codes = pool(enrolled=1)
    name = use(codes, answered=False)
    with codes.take() as again:
        assert again is not None
        assert again.doubtful
        assert again.account.name == name
        again.spend()
    assert use(codes) == ""


def test_an_account_is_of_one_attempt_at_a_time(now: Now) -> None:
    codes = pool(enrolled=2)
    with codes.take() as one, codes.take() as other, codes.take() as none:
        assert one is not None
        assert other is not None
        assert one.account is not other.account
        assert none is None


def test_a_step_later_all_are_fresh_again(now: Now) -> None:
    codes = pool(enrolled=1)
    assert use(codes)
    assert use(codes) == ""
    now.seconds += STEP_SECONDS
    assert use(codes)


def test_no_code_is_used_in_the_last_second_of_its_step(now: Now) -> None:
    now.seconds += STEP_SECONDS - END_OF_STEP
    assert use(pool()) == ""
