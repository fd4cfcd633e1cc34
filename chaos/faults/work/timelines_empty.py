"""timelines-empty: timelines are answered with nothing in them, as for somebody who has just signed up."""

from collections.abc import Mapping
from typing import ClassVar

from chaos.fault import Demonstration, Value, register
from chaos.faults.calls.injection_point import Seen
from chaos.faults.work.wrong_answers import Asking, WrongAnswers
from testbed.control import Answer


class TimelinesEmpty(WrongAnswers):
    name = "timelines-empty"
    help = (
        "Answer timelines with status 200 and nothing in them, as a bad fallback for a dead store does. No "
        "request fails and none is late, so only what is read shows it."
    )
    example = "failwhale chaos timelines-empty timeline:all --share 30% --for 30s"
    precedent = "Twitter, March 2023: Welcome to Twitter!"
    targets = ("timeline",)
    spares: ClassVar[tuple[str, ...]] = (*WrongAnswers.spares, "protected-posts")
    demonstration = Demonstration("timeline:all", hurts={"home-timeline": "down"})

    def ask(self, asking: Asking) -> Answer:
        return asking.get("/api/v1/timelines/home", asking.somebody_with("posts"))

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        if seen.answer is None or seen.answer.status != 200 or seen.answer.json()["items"]:
            return ""
        return "answered with an empty timeline to somebody who has posts"


register(TimelinesEmpty())
