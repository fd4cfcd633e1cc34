"""wrong-headers: a header of answers is another one, or none."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen
from chaos.target import Target
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site

_FRAMING = ("content-length", "transfer-encoding", "connection")
_BY_TYPE = ("page", "live-stream")
"""Journeys of browsers that go by the type: a page of text is shown as text, a stream is not listened to."""


class WrongHeaders(InjectionPoint):
    name = "wrong-headers"
    help = (
        "Replace or remove a header of answers, at the injection point. The request is carried out. A wrong "
        "content type hurts browsers: the page, and the live stream. What caches go by, or what says when to "
        "come back, hurts clients that keep to it."
    )
    precedent = "Steam, 25 December 2015: caches took people's own pages for everybody's."
    example = "failwhale chaos wrong-headers frontend@east --header cache-control --value public --for 30s"
    parameters = (
        Parameter("header", "text", "Its name, in lower case.", default="content-type"),
        Parameter("value", "text", "What it says then; '': it is removed.", default="text/plain"),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("frontend:all", hurts={"page": "down", "live-stream": "down"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        by_type = _BY_TYPE if parameters["header"] == "content-type" else ()
        return tuple(journey for journey in super().hurts(target, parameters) if journey in by_type)

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        super().refuse_misfit(site, part, parameters)
        header, value = str(parameters["header"]), str(parameters["value"])
        if header in _FRAMING or not header or not set(header) <= set(_LETTERS):
            raise Failure(
                f"{header!r} cannot be another one", "such as content-type, or cache-control", USAGE
            )
        if not value.isascii():
            raise Failure(f"{value!r} cannot be in a header", "ASCII can", USAGE)

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        header, value = str(parameters["header"]), str(parameters["value"])
        if seen.answer is None or seen.answer.headers.get(header, "") != value:
            return ""
        return f"answered a request of our own with {f'{header}: {value}' if value else f'no {header}'}"


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"

register(WrongHeaders())
