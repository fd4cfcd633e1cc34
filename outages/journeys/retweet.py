"""Somebody retweets a post, sees it counted as their own, and takes it back."""

from outages.cast import Cast
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.visit import AttemptLeftOut, Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    with cast.unretweeted() as pair:
        if pair is None:
            raise AttemptLeftOut("every post is being retweeted by an attempt that goes on")
        person, post = pair
        path = f"/posts/{post}/retweet"
        (await visit.ask("PUT", path, person)).expect(200)
        found = (await visit.ask("GET", f"/posts/{post}/retweets", person)).expect(200).json()
        if not found["retweeted"] or found["count"] < 1:
            raise Failed("wrong-content", f"post {post} was retweeted and says {found}")
        (await visit.ask("DELETE", path, person)).expect(204)


JOURNEY = Journey("retweet", attempt)
