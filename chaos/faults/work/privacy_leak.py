"""privacy-leak: protected posts are shown to strangers."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Value, register
from chaos.faults.calls.injection_point import Seen
from chaos.faults.work.wrong_answers import Asking, WrongAnswers
from chaos.journeys import JOURNEYS_OF
from foundation.failure import Failure
from testbed.control import Answer


class PrivacyLeak(WrongAnswers):
    name = "privacy-leak"
    help = (
        "Show protected posts to everybody who has their address (post), or the timeline of a protected "
        "account to everybody (timeline). No request fails, no metric tells of it; what was seen cannot be "
        "unseen."
    )
    example = "failwhale chaos privacy-leak post:all --for 30s"
    precedent = "Twitter Circle, April 2023"
    targets = ("post", "timeline")
    spares = tuple(
        one for one in (*JOURNEYS_OF["post"], *JOURNEYS_OF["timeline"]) if one != "protected-posts"
    )
    demonstration = Demonstration("post:all", hurts={"protected-posts": "down"})
    more_demonstrations = (Demonstration("timeline:all", hurts={"protected-posts": "down"}),)

    def ask(self, asking: Asking) -> Answer:
        hidden = asking.site.protected_post()
        if hidden is None:
            raise Failure("there is no protected post on the site yet")
        of_post = asking.part.service == "post"
        where = f"posts/{hidden.id}" if of_post else f"timelines/users/{hidden.author}"
        return asking.get(f"/api/v1/{where}", asking.stranger)

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        shown = seen.answer is not None and seen.answer.status == 200
        return "shows a stranger what only followers may see" if shown else ""


register(PrivacyLeak())
