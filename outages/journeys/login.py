"""Somebody logs in with a password, and is known by the session."""

from outages.cast import Cast
from outages.journeys.journey import Journey
from outages.journeys.new_session import must_be_good
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    account = cast["visitor"]
    answer = await visit.ask("POST", "/sessions", body=account.credentials)
    if answer.status == 401:
        account.stale = True
    await must_be_good(visit, answer)


JOURNEY = Journey("login", attempt)
