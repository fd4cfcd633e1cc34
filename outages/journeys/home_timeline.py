"""Somebody opens the home timeline: exactly the posts of those followed, newest first, and not empty."""

from outages.cast import Cast
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    answer = await visit.ask("GET", "/timelines/home?limit=50", cast["reader"])
    difference = compare([str(item["id"]) for item in answer.expect(200).json()["items"]], cast.timeline)
    if difference:
        raise Failed("wrong-content", difference)


def compare(found: list[str], expected: list[str]) -> str:
    """What is wrong with a timeline, in words; empty when nothing is."""
    if found == expected:
        return ""
    if not found:
        return f"empty, {len(expected)} posts expected"
    missing, foreign = set(expected) - set(found), set(found) - set(expected)
    if missing or foreign:
        return f"{len(missing)} of {len(expected)} posts missing, {len(foreign)} that do not belong there"
    return "posts twice" if len(found) > len(expected) else "wrong order"


JOURNEY = Journey("home-timeline", attempt)
