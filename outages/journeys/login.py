"""Somebody logs in with a password."""

from outages.cast import Cast
from outages.client import Failed
from outages.journeys.journey import Journey
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    account = cast["visitor"]
    answer = await visit.ask("POST", "/sessions", body=account.credentials)
    if answer.status == 401:
        account.stale = True
    if not answer.expect(200).json().get("token"):
        raise Failed("wrong-content", "a login without a token")


JOURNEY = Journey("login", attempt)
