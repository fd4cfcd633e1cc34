"""Faults at injection points: which routes there are, whose requests were hurt, and parts that are silent."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

import chaos.faults.calls.injection_point
from chaos.catalogue import fault_named
from chaos.fault import Injection
from chaos.faults.calls.injection_point import InjectionPoint, Seen
from chaos.injector import Request, plan
from chaos.target import at
from foundation.failure import Failure
from testbed.control import Answer, Unreachable, WasReset
from testbed.inventory import Part

OK = Answer(200, b"{}")
EAST = Part("post@east", "post", "east", "post-east", "8000", {"8000": "127.0.0.1:1"})


def part_of(answer: Answer, length: int) -> Answer:
    """One of which not all has come."""
    return Answer(answer.status, answer.body, {"content-length": str(length)})


def problem(status: int, slug: str) -> Answer:
    return Answer(status, json.dumps({"type": f"https://x.invalid/{slug}", "title": slug}).encode())


def errors(target: str = "post@east", **parameters: Any) -> Request:
    return Request("errors", target, 0.1, parameters, id="errors-1")


@pytest.mark.parametrize(
    "route",
    [
        "POST /api/v1/posts",
        "/api/v1/posts",
        "GET /api/v1/posts/{id}",
        "DELETE /api/v1/posts/{post}",
        "/api/v1/posts/42",
    ],
)
def test_a_route_that_the_service_has_is_taken(laboratory: Any, route: str) -> None:
    assert plan(errors(route=route), laboratory.site).parameters["route"] == route


@pytest.mark.parametrize(
    "route",
    [
        "GET /nowhere",
        "GET /api/v1/posts",
        "/api/v1/posts/1/2",
        "/api/v1/posts/",
        "posts",
        "get /api/v1/posts",
    ],
)
def test_a_route_that_the_service_does_not_have_is_a_usage_error_with_its_routes(
    laboratory: Any, route: str
) -> None:
    injector = laboratory.controller()
    with pytest.raises(Failure, match="post has no route") as failure:
        injector.order(errors(route=route))
    assert failure.value.code == 2
    assert "GET /api/v1/posts/{id}, DELETE /api/v1/posts/{id}" in failure.value.next_step
    assert injector.entries() == []


def test_the_pages_of_the_front_end_are_routes_too(laboratory: Any) -> None:
    assert plan(errors("frontend@east", route="GET /"), laboratory.site).parts
    with pytest.raises(Failure, match="post has no route"):
        plan(errors(route="GET /"), laboratory.site)


def test_of_a_place_those_are_hit_that_have_the_route(laboratory: Any) -> None:
    planned = plan(errors("place:east", route="GET /"), laboratory.site)
    assert [part.name for part in planned.parts] == ["frontend@east"]
    with pytest.raises(Failure, match="has no route"):
        plan(errors("place:east", route="GET /nowhere"), laboratory.site)


def test_a_part_that_is_down_is_named_and_nobody_is_hurt(laboratory: Any) -> None:
    laboratory.site.runtime.kill("post@west")
    injector = laboratory.controller()
    route = "POST /api/v1/posts"
    for request in (errors("post:all"), errors("post:all", route=route), errors("place:west", route=route)):
        with pytest.raises(Failure, match="post@west does not answer"):
            injector.order(request)
    assert injector.entries() == []
    assert laboratory.site.harm() == ["post@west is down"]


# --- verified by what a request of our own gets ---


def injected(
    laboratory: Any, name: str, seconds: float = 5.0, callers: tuple[str, ...] = (), **parameters: Any
) -> tuple[Any, Injection]:
    """A fault that is set at post@east."""
    site = laboratory.site
    part = next(part for part in site.inventory.parts if part.name == "post@east")
    fault = fault_named(name)
    injection = Injection(f"{name}-1", at(part, callers), fault.check(parameters), seconds)
    fault.apply(site, injection)
    return fault, injection


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("errors", {"status": 503}, r"post@east answered a request of our own with 503"),
        ("errors", {"status": 404}, r"post@east answered a request of our own with 404"),
        ("latency", {"delay": 0.05}, r"post@east answered a request of our own after 0\.\d+ s"),
        ("latency", {"delay": 60}, r"post@east has not answered a request of our own for 0\.0\d+ s"),
        ("black-hole", {}, r"post@east did not answer a request of our own within 0\.0\d+ s"),
    ],
)
def test_the_evidence_is_what_our_own_request_got(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch, name: str, parameters: Any, said: str
) -> None:
    if parameters.get("delay") == 0.05:
        monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 2.0)
    fault, injection = injected(laboratory, name, **parameters)
    proof = fault.verify(laboratory.site, injection)
    assert proof.verdict is True
    assert re.fullmatch(said, proof.evidence), proof.evidence


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"delay": 1.0, "jitter": 0.91}, "jitter: more than nine tenths of the delay"),
        ({"delay": 1.0, "tail": 1.0}, "tail: no longer than the delay"),
        ({"delay": 1.0, "jitter": 0.1, "tail": 2.0}, "a latency has a jitter or a tail, not both"),
    ],
)
def test_a_latency_that_cannot_be_drawn_is_refused(laboratory: Any, parameters: Any, why: str) -> None:
    with pytest.raises(Failure, match=why) as failure:
        plan(Request("latency", "post@east", 1.0, parameters), laboratory.site)
    assert failure.value.code == 2


@pytest.mark.parametrize("name", ["errors", "latency", "black-hole"])
def test_a_count_without_harm_proves_nothing(laboratory: Any, name: str) -> None:
    """Harm switched off, the service counted, the user got her answer: and it was called verified."""
    laboratory.site.harmless = True
    fault, injection = injected(laboratory, name)
    proof = fault.verify(laboratory.site, injection)
    assert proof.verdict is False
    assert proof.evidence == "post@east counts a request of our own as hurt, and answered it as ever"
    assert laboratory.site.runtime.of("post@east").points[f"{name}-1"]["hits"] == 5


def test_an_error_of_the_service_itself_is_not_the_faults(laboratory: Any) -> None:
    """A post that does not exist is a 404 whatever the fault does."""
    laboratory.site.harmless = True
    fault, injection = injected(laboratory, "errors", status=404)
    assert fault.verify(laboratory.site, injection).verdict is False


@pytest.mark.parametrize("parameters", [{"share": 0.5}, {"users": 0.5}])
def test_where_others_may_have_been_counted_a_good_answer_says_nothing(
    laboratory: Any, parameters: Any
) -> None:
    laboratory.site.harmless = True
    fault, injection = injected(laboratory, "errors", **parameters)
    proof = fault.verify(laboratory.site, injection)
    assert proof.verdict is None
    assert "no request of our own was hurt by it yet" in proof.evidence
    assert laboratory.site.runtime.of("post@east").points["errors-1"]["hits"] == 5


def test_harm_that_the_injection_point_did_not_do_is_not_its_proof(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is ill by itself and answers 500; no request has met the injection point."""
    fault, injection = injected(laboratory, "errors")
    ill = problem(500, "internal-error")
    monkeypatch.setattr(type(laboratory.site), "entrance", lambda *_, **__: Answering(ill))
    assert fault.verify(laboratory.site, injection).verdict is None


@pytest.mark.parametrize("name", ["errors", "latency", "black-hole"])
@pytest.mark.parametrize(
    ("callers", "spared"),
    [
        (("frontend@east",), "frontend@west"),
        (("frontend@west",), "frontend@east"),
        (("frontend@east", "frontend@west"), "the controller"),
    ],
)
def test_of_some_callers_one_is_seen_to_be_hurt_and_somebody_else_to_be_spared(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch, name: str, callers: tuple[str, ...], spared: str
) -> None:
    sent_as = []
    entrance = laboratory.site.entrance

    def note(part: Any, timeout: float, caller: str | None) -> Any:
        sent_as.append(caller or "the controller")
        return entrance(part, timeout, caller)

    monkeypatch.setattr(laboratory.site, "entrance", note)
    fault, injection = injected(laboratory, name, callers=callers)
    proof = fault.verify(laboratory.site, injection)
    assert proof.verdict is True
    assert sent_as == [callers[0], spared]
    assert proof.evidence.endswith(f", sent as {callers[0]}; one sent as {spared} is spared")


def test_a_fault_of_some_callers_that_hurts_others_too_is_not_what_was_asked_for(laboratory: Any) -> None:
    laboratory.site.indiscriminate = True
    fault, injection = injected(laboratory, "errors", callers=("frontend@east",))
    proof = fault.verify(laboratory.site, injection)
    assert proof.verdict is False
    assert proof.evidence == (
        "post@east answered a request of our own with 500, sent as frontend@east; "
        "one sent as frontend@west is hurt, too"
    )


def test_who_is_hurt_by_another_fault_is_spared_by_this_one(laboratory: Any) -> None:
    fault, injection = injected(laboratory, "errors", callers=("frontend@east",))
    others = {"kind": "errors", "status": 500, "callers": ["frontend@west"]}
    point = {"until": time.monotonic() + 5, "hits": 0, **others}
    laboratory.site.runtime.of("post@east").points["errors-2"] = point
    assert fault.verify(laboratory.site, injection).verdict is True


def test_a_fault_of_some_callers_that_only_counts_is_not_verified(laboratory: Any) -> None:
    laboratory.site.harmless = True
    fault, injection = injected(laboratory, "errors", callers=("frontend@east",))
    proof = fault.verify(laboratory.site, injection)
    assert (proof.verdict, "answered it as ever" in proof.evidence) == (False, True)


class Answering:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def ask(self, *_: Any, **__: Any) -> Answer:
        return self._answer


def test_a_injection_point_that_is_not_there_hurts_nobody(laboratory: Any) -> None:
    fault, injection = injected(laboratory, "errors")
    laboratory.site.runtime.of("post@east").points.clear()
    proof = fault.verify(laboratory.site, injection)
    assert (proof.verdict, proof.evidence) == (False, "post@east has no such injection point")


def test_who_refuses_the_request_is_not_a_black_hole(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, injection = injected(laboratory, "black-hole")

    def refuse(*_: Any, **__: Any) -> Any:
        raise Unreachable("connection refused")

    monkeypatch.setattr(chaos.faults.calls.injection_point, "send_probe", refuse)
    with pytest.raises(Unreachable, match="refused"):
        fault.verify(laboratory.site, injection)


@pytest.mark.parametrize(
    ("name", "parameters", "seen", "is_harm"),
    [
        ("latency", {"delay": 0.2}, Seen(OK, 0.21, 0.01), True),
        ("latency", {"delay": 0.2}, Seen(OK, 0.19, 0.01), False),
        ("latency", {"delay": 0.2}, Seen(OK, 0.31, 0.25), False),  # the whole machine is slow
        ("latency", {"delay": 0.2}, Seen(OK, 0.2, 0.1), True),
        ("latency", {"delay": 0.2, "jitter": 0.1}, Seen(OK, 0.11, 0.01), True),
        ("latency", {"delay": 0.2, "jitter": 0.1}, Seen(OK, 0.09, 0.01), False),
        ("latency", {"delay": 0.2, "tail": 1.0}, Seen(OK, 0.19, 0.01), False),
        ("latency", {"delay": 60}, Seen(None, 0.5, 0.01), True),
        ("latency", {"delay": 60}, Seen(None, 0.5, 0.2), False),
        ("black-hole", {}, Seen(None, 0.5, 0.01), True),
        ("black-hole", {}, Seen(None, 0.3, 0.1), False),
        ("black-hole", {}, Seen(OK, 0.5, 0.01), False),
        ("errors", {}, Seen(problem(500, "internal-error"), 0.01, 0.01), True),
        ("errors", {}, Seen(problem(500, "no-database"), 0.01, 0.01), False),
        ("errors", {}, Seen(problem(503, "internal-error"), 0.01, 0.01), False),
        ("errors", {}, Seen(Answer(500, b"oops"), 0.01, 0.01), False),
        ("errors", {}, Seen(None, 0.5, 0.01), False),
        ("reset", {}, Seen(None, 0.01, 0.01, WasReset("gone")), True),
        ("reset", {}, Seen(None, 0.01, 0.01, Unreachable("closed")), False),
        ("black-hole", {}, Seen(None, 0.5, 0.01, Unreachable("closed")), False),
        ("slow-drip", {"rate": 10}, Seen(part_of(OK, 100), 0.5, 0.01), True),
        ("slow-drip", {"rate": 10}, Seen(Answer(200, b"x" * 11), 0.99, 0.01), True),
        ("slow-drip", {"rate": 10}, Seen(Answer(200, b"x" * 11), 0.9, 0.01), False),
        ("slow-drip", {"rate": 10}, Seen(Answer(200, b"x" * 11), 0.99, 0.6), False),  # all is slow
        ("slow-drip", {"rate": 10}, Seen(Answer(204, b""), 0.5, 0.01), False),
        ("truncated", {}, Seen(Answer(200, b'{"a":'), 0.01, 0.01), True),
        ("truncated", {}, Seen(part_of(Answer(200, b'{"a":'), 9), 0.01, 0.01), False),
        ("truncated", {}, Seen(Answer(200, b"<p>", {"content-type": "text/html"}), 0.01, 0.01), True),
        ("truncated", {}, Seen(Answer(200, b"</html>", {"content-type": "text/html"}), 0.01, 0.01), False),
        ("truncated", {}, Seen(OK, 0.01, 0.01), False),
        ("corrupted", {}, Seen(Answer(200, b'{"a\xfd":1}'), 0.01, 0.01), True),
        ("corrupted", {}, Seen(Answer(200, b'{"a":'), 0.01, 0.01), False),
        ("corrupted", {}, Seen(OK, 0.01, 0.01), False),
        ("aborted", {}, Seen(None, 0.01, 0.01, Unreachable("closed")), False),
        ("aborted", {}, Seen(OK, 0.01, 0.01), False),
    ],
)
def test_what_counts_as_harm(name: str, parameters: Any, seen: Seen, is_harm: bool) -> None:
    fault = fault_named(name)
    assert isinstance(fault, InjectionPoint)
    assert bool(fault.harm(seen, fault.check(parameters))) is is_harm


def test_to_look_does_not_make_a_short_fault_last_longer(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.5)
    waited = []
    entrance = laboratory.site.entrance

    def note(part: Any, timeout: float, caller: Any) -> Any:
        waited.append(timeout)
        return entrance(part, 0.01)

    monkeypatch.setattr(laboratory.site, "entrance", note)
    for seconds in (0.3, 60.0):
        fault, injection = injected(laboratory, "black-hole", seconds)
        assert fault.verify(laboratory.site, injection).verdict is True
    assert waited == [0.15, 0.5]


def test_where_every_answer_takes_long_silence_is_waited_for_longer(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that is busy with twenty things a handshake takes a quarter of a second."""
    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.05)
    waited = []
    entrance, control = laboratory.site.entrance, laboratory.site.control

    def note(part: Any, timeout: float, caller: Any) -> Any:
        waited.append(timeout)
        return entrance(part, timeout)

    def slow(part: Any, timeout: float = 2.0) -> Any:
        time.sleep(0.03)
        return control(part, timeout)

    fault, injection = injected(laboratory, "black-hole", 60.0)
    monkeypatch.setattr(laboratory.site, "entrance", note)
    monkeypatch.setattr(laboratory.site, "control", slow)
    assert fault.verify(laboratory.site, injection).verdict is True
    assert waited[0] >= 4 * 0.03


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ({}, ("GET", "/api/v1/posts/0", False)),
        ({"route": "POST /api/v1/posts"}, ("POST", "/api/v1/posts", False)),
        ({"route": "/api/v1/posts/{post}/likes/{one}"}, ("GET", "/api/v1/posts/0/likes/0", False)),
        ({"users": 0.2}, ("GET", "/api/v1/posts/0", True)),
    ],
)
def test_the_request_is_one_that_the_fault_is_for(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch, parameters: Any, asked: Any
) -> None:
    sent: list[Any] = []

    class Noting:
        def ask(self, method: str, path: str, headers: Any, seconds: float) -> Answer:
            sent.append((method, path, headers))
            return OK

    fault, injection = injected(laboratory, "errors", **parameters)
    monkeypatch.setattr(laboratory.site, "entrance", lambda *_: Noting())
    assert fault.verify(laboratory.site, injection).verdict is None
    assert {(method, path, bool(headers)) for method, path, headers in sent} == {asked}
    if asked[2]:  # another user each time: the same ones would all be hit, or none
        assert len({headers["failwhale-user"] for _, _, headers in sent}) == len(sent) == 5
        assert all(int(headers["failwhale-user"]) > 0 for _, _, headers in sent)


# --- set, and removed ---


class Asked:
    """A site of one part that answers as it is told, and notes what it was asked."""

    def __init__(self, answer: Answer | None, running: bool = True) -> None:
        self.answer = answer
        self.running = running
        self.requests: list[Any] = []
        self.runtime = self

    def control(self, part: Any, timeout: float = 2.0) -> Any:
        self.requests.append((part.name, timeout))
        return self

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        self.requests.append((method, path, body))
        if self.answer is None:
            raise Unreachable("post@east does not answer")
        return self.answer

    def is_running(self, part: str) -> bool:
        assert part == "post@east"
        return self.running


POINT = Injection("errors-1", at(EAST), {"status": 500, "share": 1.0}, 5.0)
ERRORS = fault_named("errors")


def test_who_answers_can_be_hurt_and_is_asked_with_little_patience() -> None:
    site = Asked(OK)
    ERRORS.precondition(site, POINT.part)  # type: ignore[arg-type]
    assert site.requests == [
        *(("post@east", 1.0), ("GET", "/-/health", None)),
        *(("post@east", 1.0), ("GET", "/-/faults", None)),
    ]


def test_who_does_not_answer_is_refused_with_what_helps() -> None:
    with pytest.raises(Failure) as failure:
        ERRORS.precondition(Asked(None), POINT.part)  # type: ignore[arg-type]
    assert failure.value.message == "post@east does not answer: its injection point cannot be set"
    assert failure.value.next_step == "see: failwhale status"


def test_a_injection_point_is_told_whose_calls_it_is_for() -> None:
    site = Asked(OK)
    ERRORS.apply(site, Injection("errors-1", at(EAST, ["frontend@west"]), {"status": 500}, 5.0))  # type: ignore[arg-type]
    body = {"kind": "errors", "seconds": 5.0, "status": 500, "callers": ["frontend@west"]}
    assert site.requests[1] == ("PUT", "/-/faults/errors-1", body)


def test_a_injection_point_is_set_with_its_kind_its_lease_and_its_parameters() -> None:
    site = Asked(OK)
    ERRORS.apply(site, POINT)  # type: ignore[arg-type]
    body = {"kind": "errors", "seconds": 5.0, "status": 500, "share": 1.0}
    assert site.requests == [("post@east", 2.0), ("PUT", "/-/faults/errors-1", body)]


@pytest.mark.parametrize(("status", "taken"), [(200, True), (299, True), (300, False), (409, False)])
def test_a_service_that_refuses_the_injection_point_says_why(status: int, taken: bool) -> None:
    site = Asked(Answer(status, json.dumps({"detail": "at most 32"}).encode()))
    if taken:
        ERRORS.apply(site, POINT)  # type: ignore[arg-type]
        return
    with pytest.raises(Failure) as failure:
        ERRORS.apply(site, POINT)  # type: ignore[arg-type]
    assert failure.value.message == "post@east refuses the injection point: at most 32"


def test_it_is_removed_by_its_name() -> None:
    site = Asked(OK)
    ERRORS.revert(site, POINT)  # type: ignore[arg-type]
    assert site.requests == [("post@east", 2.0), ("DELETE", "/-/faults/errors-1", None)]


def test_with_the_process_the_injection_point_goes_and_only_then_is_silence_no_failure() -> None:
    down = Asked(None, running=False)
    ERRORS.revert(down, POINT)  # type: ignore[arg-type]
    proof = ERRORS.verify_reverted(down, POINT)  # type: ignore[arg-type]
    assert (proof.verdict, proof.evidence) == (True, "post@east is down, and the injection point with it")
    for step in (ERRORS.revert, ERRORS.verify_reverted):
        with pytest.raises(Unreachable):
            step(Asked(None), POINT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "gone", "said"),
    [
        ([], True, "post@east has no injection point"),
        ([{"id": "errors-2", "hits": 3}], True, "post@east has no injection point"),
        (
            [{"id": "errors-2", "hits": 3}, {"id": "errors-1", "hits": 0}],
            False,
            "post@east has still the injection point",
        ),
    ],
)
def test_it_is_gone_when_the_service_has_none_of_that_name(rows: Any, gone: bool, said: str) -> None:
    site = Asked(Answer(200, json.dumps(rows).encode()))
    proof = ERRORS.verify_reverted(site, POINT)  # type: ignore[arg-type]
    assert (proof.verdict, proof.evidence) == (gone, said)
    assert site.requests == [("post@east", 2.0), ("GET", "/-/faults", None)]


def test_who_cannot_tell_its_routes_is_believed(laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laboratory.site, "routes", lambda part: None)
    assert plan(errors(route="GET /nowhere"), laboratory.site).parts
