"""The prober's accounts: signing up, logging in, and the pool of those with a second factor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyotp

from outages.client import PublicAnswer
from outages.failures import Failed, Refused
from outages.visit import Visit

Visits = Callable[[], Visit]
"""Makes a visit that no journey belongs to."""

UNKNOWN_LIFETIME = 900.0
"""Seconds that a session is believed to live when the site did not say."""

RENEW_AT = 0.7
"""Share of a session's lifetime after which it is renewed."""

STEP_SECONDS = 30
END_OF_STEP = 1.0
"""No code is used in the last second of its step, since it could be checked in the next one."""

CODES_A_SECOND = 2.0
"""What attempts at rest use up. In trouble they come more often, and then as many are kept for the rest of
the step: with no code left nobody could see that the site is well again."""

REQUEST_SECONDS = 5.0


@dataclass
class ProberAccount:
    """One account of the prober. Times are Unix seconds."""

    role: str
    name: str
    password: str
    id: str = ""
    token: str = ""
    device: str = ""
    """By which the site knows at a login that this account was used from here before."""
    renew_at: float = 0.0
    secret: str = ""
    """Of the second factor; empty without one."""
    used_step: int = 0
    """The latest 30 s step of which a code was sent."""
    doubtful_step: int = 0
    """The step of a code that was sent without an answer: it may be good still."""
    replicated: bool = True
    """What the site said of the account and its second factor; otherwise a failover may lose either."""
    unprotected: bool = False
    """The site asked for no second factor when it was used last."""
    stale: bool = False
    """The site did not know the session or the password when it was used last."""

    def is_ahead(self, now: float) -> bool:
        """Whether its code was used at a time that is yet to come: the clock was put back since, and no site
        takes a code of an earlier step."""
        return self.used_step > now // STEP_SECONDS + 1

    @property
    def credentials(self) -> dict[str, str]:
        """For a login."""
        device = {"device": self.device} if self.device else {}
        return {"name": self.name, "password": self.password, **device}

    def saved(self) -> dict[str, Any]:
        """What cast.json keeps."""
        return {key: value for key, value in asdict(self).items() if key != "stale"}

    def admitted(self, answer: dict[str, Any]) -> None:
        """Take the token and its lifetime from an answer to a sign-up or a login."""
        now = time.time()
        self.id = str(answer.get("id", self.id))
        self.token = answer["token"]
        self.device = str(answer.get("device", self.device))
        self.renew_at = now + RENEW_AT * (_expiry(answer.get("expires"), now) - now)
        self.stale = False


def _expiry(expires: Any, now: float) -> float:
    """`expires` of a login as Unix seconds; the site may give a time or a number."""
    if isinstance(expires, str):
        return datetime.fromisoformat(expires).timestamp()
    return float(expires) if isinstance(expires, (int, float)) else now + UNKNOWN_LIFETIME


async def request(
    visits: Visits, method: str, path: str, account: ProberAccount | None = None, body: Any = None, *ok: int
) -> Any:
    """One request on a connection of its own; the parsed answer. Raises Failed."""
    answer = await _ask(visits, method, path, account, body, *ok)
    return answer.json() if answer.body else {}


async def _ask(
    visits: Visits, method: str, path: str, account: ProberAccount | None, body: Any, *ok: int
) -> PublicAnswer:
    visit = visits()
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            answer = await visit.ask(method, path, account, body)
    except TimeoutError:
        raise Failed("time-out", visit.step) from None
    finally:
        visit.close()
    return answer.expect(*(ok or (200, 201, 204)))


async def sign_up(account: ProberAccount, visits: Visits) -> bool:
    """Make sure that the account exists; True when it was created now, and has a session. Raises Failed."""
    # No device: one that this account was used from before is a matter of logins, and is refused here.
    wanted = {"name": account.name, "password": account.password}
    answer = await _ask(visits, "POST", "/accounts", None, wanted, 201, 409)
    if answer.status == 409:
        return False
    account.secret = ""
    account.replicated = answer.replicated
    account.admitted(answer.json())
    return True


async def log_in(account: ProberAccount, visits: Visits) -> None:
    """A new session by password. Raises Failed."""
    account.admitted(await request(visits, "POST", "/sessions", None, account.credentials, 200))


class Code:
    """A code of one account: fresh, or `doubtful` when it was sent before and got no answer."""

    def __init__(self, account: ProberAccount, step: int) -> None:
        self.account = account
        self.doubtful = account.used_step == step
        self.text = pyotp.TOTP(account.secret).at(step * STEP_SECONDS)
        self._step = step

    def send(self) -> None:
        """It is being sent: until `spend` nobody knows whether the site has used it up."""
        self.account.used_step = self.account.doubtful_step = self._step

    def spend(self) -> None:
        """The site has answered: the code is used up."""
        self.account.doubtful_step = 0


class Codes:
    """The pool of accounts with a second factor."""

    def __init__(self, accounts: list[ProberAccount]) -> None:
        self.accounts = accounts
        self._in_use: set[str] = set()
        self._next = 0

    @contextmanager
    def take(self) -> Iterator[Code | None]:
        """A code, of an account that no other attempt uses meanwhile: a fresh one if one can be spared, else
        a doubtful one, else None."""
        step, passed = divmod(time.time(), STEP_SECONDS)
        left = STEP_SECONDS - END_OF_STEP - passed
        account = self._find(int(step), left) if left > 0 else None
        if account is None:
            yield None
            return
        self._in_use.add(account.name)
        try:
            yield Code(account, int(step))
        finally:
            self._in_use.discard(account.name)

    def _find(self, step: int, left: float) -> ProberAccount | None:
        free = [row for row in self._in_turn() if row.secret and row.name not in self._in_use]
        fresh = [row for row in free if row.used_step < step]
        yet_to_be_enrolled = sum(not row.secret for row in self.accounts)
        if fresh and len(fresh) + yet_to_be_enrolled > CODES_A_SECOND * left:
            return fresh[0]
        return next((row for row in free if row.doubtful_step == step), None)

    def _in_turn(self) -> list[ProberAccount]:
        """All accounts, beginning behind the one that was first the last time."""
        self._next = (self._next + 1) % len(self.accounts)
        return self.accounts[self._next :] + self.accounts[: self._next]


async def enrol(account: ProberAccount, visits: Visits) -> None:
    """Sign the account up and switch its second factor on. Raises Failed, and the account is useless then.

    The confirmation takes the code of the step before, which every site accepts that allows for slow
    typing, so that the code of this step is left for a login; the current one if the site is stricter.
    """
    if not await sign_up(account, visits):
        raise Failed("wrong-content", f"the name {account.name} is taken")
    secret = (await request(visits, "POST", "/me/second-factor", account))["secret"]
    step = int(time.time() // STEP_SECONDS)
    for chosen in (step - 1, step):
        body = {"code": pyotp.TOTP(secret).at(chosen * STEP_SECONDS)}
        try:
            confirmed = await _ask(visits, "POST", "/me/second-factor/confirm", account, body)
        except Refused:
            if chosen == step:
                raise
            continue
        account.secret, account.used_step = secret, chosen
        account.replicated = account.replicated and confirmed.replicated
        return
