"""Somebody retweets a post, sees it counted, and takes it back."""

from outages.cast import Cast
from outages.client import Failed
from outages.journeys.journey import Journey
from outages.visit import LeftOut, Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    with cast.unretweeted() as pair:
        if pair is None:
            raise LeftOut("every post is being retweeted by an attempt that goes on")
        person, post = pair
        path = f"/posts/{post}/retweet"
        (await visit.ask("PUT", path, person)).expect(200)
        count = (await visit.ask("GET", f"/posts/{post}/retweets", person)).expect(200).json().get("count")
        if not count:
            raise Failed("wrong-content", f"post {post} was retweeted and has {count} retweets")
        (await visit.ask("DELETE", path, person)).expect(204)


JOURNEY = Journey("retweet", attempt)
