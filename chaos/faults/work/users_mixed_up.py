"""users-mixed-up: somebody gets the answer that belongs to somebody else."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Value, register
from chaos.faults.calls.injection_point import Seen
from chaos.faults.work.wrong_answers import Asking, WrongAnswers
from testbed.control import Answer


class UsersMixedUp(WrongAnswers):
    name = "users-mixed-up"
    help = (
        "Answer people who read a timeline (timeline) or notifications (notify) as if somebody else asked: "
        "whoever did before. Nothing is written in a wrong name."
    )
    example = "failwhale chaos users-mixed-up notify:all --share 30% --for 30s"
    precedent = "Steam, December 2015; ChatGPT, March 2023"
    targets = ("timeline", "notify")
    demonstration = Demonstration("timeline:all", hurts={"home-timeline": "down"})
    more_demonstrations = (Demonstration("notify:all", hurts={"notification": "down"}),)

    def ask(self, asking: Asking) -> Answer:
        """By who is nobody and has nothing, after somebody who has something."""
        of_timeline = asking.part.service == "timeline"
        path = "/api/v1/timelines/home" if of_timeline else "/api/v1/notifications"
        asking.get(path, asking.somebody_with("posts" if of_timeline else "notifications"))
        return asking.get(path, asking.stranger)

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        if seen.answer is None or seen.answer.status != 200 or not seen.answer.json()["items"]:
            return ""
        return f"answered nobody with {len(seen.answer.json()['items'])} entries of somebody else"


register(UsersMixedUp())
