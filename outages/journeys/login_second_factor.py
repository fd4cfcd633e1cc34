"""Somebody logs in with a password and a code.

A code is good once for its account and 30 s step. So there is a pool of accounts, and an attempt that
finds no account with a good code is left out: it is not the site that failed. A code that got no answer
is tried again when there is no fresh one; that it is refused then says nothing, for the site may have
used it up.
"""

from outages.cast import Cast
from outages.client import Failed
from outages.journeys.journey import Journey
from outages.visit import LeftOut, Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    with cast.codes.take() as code:
        if code is None:
            raise LeftOut("no account with a good code")
        answer = await visit.ask("POST", "/sessions", body=code.account.credentials)
        if answer.status == 401:
            code.account.stale = True
        challenge = answer.expect(200).json().get("challenge")
        if not challenge:
            raise Failed("wrong-content", "no second factor was asked for")
        code.send()
        body = {"challenge": challenge, "code": code.text}
        answer = await visit.ask("POST", "/sessions/second-factor", body=body)
        if answer.status < 500:
            code.spend()
        if code.doubtful and answer.status in (401, 429):
            raise LeftOut("the code was used before")
        if not answer.expect(200).json().get("token"):
            raise Failed("wrong-content", "a login without a token")


JOURNEY = Journey("login-second-factor", attempt)
