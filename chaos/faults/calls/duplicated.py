"""duplicated: a request is carried out twice, as by a retry below its caller."""

import re
from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen, is_meant
from chaos.target import Target
from testbed.control import Answer
from testbed.site import Site

_GOOD_ONCE = "POST /api/v1/sessions/second-factor"
_MEASURED = re.compile(r"^http_server_request_duration_seconds_count\{(.*)\} (\S+)$", re.MULTILINE)
_TIMES = "failwhale-times"


class Duplicated(InjectionPoint):
    name = "duplicated"
    help = (
        "Carry requests out twice, as a retry below their caller does. The second answer counts. What may be "
        "repeated is not hurt: a post is known again by its idempotency key, which a front end adds where a "
        "client sends none; only before that, at a front end, such a post is doubled. A code of a second "
        "factor is good once: a login is refused for the code that was just used."
    )
    example = "failwhale chaos duplicated frontend:all --route 'POST /api/v1/posts' --for 30s"
    demonstration = Demonstration("auth:all", {"route": _GOOD_ONCE}, hurts={"login-second-factor": "down"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        route = parameters["route"]
        if route is not None and not is_meant(str(route), _GOOD_ONCE):
            return ()
        return tuple(one for one in super().hurts(target, parameters) if one == "login-second-factor")

    def meet(self, site: Site, injection: Injection, patience: float, caller: str | None) -> Answer | None:
        """How often the part has carried out what we asked once, by its own measure of all requests."""
        before = _measured(site, injection)
        answer = super().meet(site, injection, patience, caller)
        after = _measured(site, injection)
        if answer is None:
            return None
        times = after.get(answer.status, 0) - before.get(answer.status, 0)
        return Answer(answer.status, answer.body, {_TIMES: f"{times:g}"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        times = float(seen.answer.headers[_TIMES]) if seen.answer else 0
        return f"has carried out a request of our own {times:g} times" if times >= 2 else ""


def _measured(site: Site, injection: Injection) -> dict[int, float]:
    """How many requests of that method were carried out, by the status of their answers."""
    method = str(injection.parameters["route"] or "").rpartition(" ")[0] or "GET"
    found: dict[int, float] = {}
    text = site.control(injection.part).ask("GET", "/metrics").body.decode()
    for labels, value in _MEASURED.findall(text):
        status = re.search(r'http_response_status_code="(\d+)"', labels)
        if status and f'http_request_method="{method}"' in labels:
            found[int(status[1])] = found.get(int(status[1]), 0) + float(value)
    return found


register(Duplicated())
