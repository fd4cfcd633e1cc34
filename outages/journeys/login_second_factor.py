"""Somebody logs in with a password and a code, and is known by the session.

A code is good once for its account and 30 s step. So there is a pool of accounts, and an attempt that
finds no account with a good code is left out: it is not the site that failed. A code that got no answer
is tried again when there is no fresh one; that it is refused then says nothing, for the site may have
used it up. An account or a second factor that the site acknowledged as not replicated may be lost in a
failover: that it is gone is no failure, and another one takes its place.
"""

from outages.accounts import ProberAccount
from outages.cast import Cast
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.journeys.new_session import must_be_good
from outages.visit import AttemptLeftOut, Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    with cast.codes.take() as code:
        if code is None:
            raise AttemptLeftOut("no account with a good code")
        challenge = await _give_password(visit, code.account)
        code.send()
        body = {"challenge": challenge, "code": code.text}
        answer = await visit.ask("POST", "/sessions/second-factor", body=body)
        if answer.status < 500:
            code.spend()
        if code.doubtful and answer.status in (401, 429):
            raise AttemptLeftOut("the code was used before")
        await must_be_good(visit, answer)


async def _give_password(visit: Visit, account: ProberAccount) -> str:
    """The challenge that the site answers with. Raises Failed; AttemptLeftOut where no more was promised."""
    answer = await visit.ask("POST", "/sessions", body=account.credentials)
    account.stale = answer.status == 401
    challenge = answer.json().get("challenge") if answer.status == 200 else None
    account.unprotected = answer.status == 200 and not challenge
    if (account.stale or account.unprotected) and not account.replicated:
        raise AttemptLeftOut("the site acknowledged the account as not replicated, and lost it")
    answer.expect(200)
    if not challenge:
        raise Failed("wrong-content", "no second factor was asked for")
    return str(challenge)


JOURNEY = Journey("login-second-factor", attempt)
