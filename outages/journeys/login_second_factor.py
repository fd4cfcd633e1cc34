"""Somebody logs in with a password and a code.

A code is good once for its account and 30 s step. So there is a pool of accounts, and an attempt that
finds no account with a fresh code is left out: it is not the site that failed.
"""

from outages.cast import Cast
from outages.client import Failed
from outages.journeys.journey import Journey
from outages.visit import LeftOut, Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    with cast.codes.fresh() as code:
        if code is None:
            raise LeftOut("no account with a fresh code")
        answer = await visit.ask("POST", "/sessions", body=code.account.credentials)
        if answer.status == 401:
            code.account.stale = True
        challenge = answer.expect(200).json().get("challenge")
        if not challenge:
            raise Failed("wrong-content", "no second factor was asked for")
        code.spend()
        body = {"challenge": challenge, "code": code.text}
        answer = await visit.ask("POST", "/sessions/second-factor", body=body)
        if not answer.expect(200).json().get("token"):
            raise Failed("wrong-content", "a login without a token")


JOURNEY = Journey("login-second-factor", attempt)
