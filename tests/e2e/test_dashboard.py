"""Grafana's dashboard without Grafana: every question that it would ask, asked of the site's Prometheus."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from site_under_test import Site, wait_until

from dashboards.grafana.queries import Question, questions

DASHBOARD = Path(__file__).parents[2] / "dashboards" / "grafana" / "dashboards" / "is-the-site-up.json"
QUESTIONS = list(questions(json.loads(DASHBOARD.read_text())))

RANGE = 900
"""Seconds that the dashboard shows."""

ANSWERED_WITHIN = 30.0

YES, NO = "0", "2"
SERVICES = ["auth", "frontend", "maintenance", "notify", "post", "retweet", "timeline"]

Ask = Callable[[Question], list[Any]]


@pytest.fixture
def ask(site: Site) -> Iterator[Ask]:
    """The answer of the site's Prometheus to a question as Grafana would put it now, without empty values."""
    prometheus = httpx.Client(base_url=f"http://127.0.0.1:{site.ports['prometheus']}/api/v1", timeout=10)

    def get(path: str, **parameters: str | float) -> Any:
        answer = prometheus.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def answer(question: Question) -> list[Any]:
        now = time.time()
        expr = question.asked(RANGE)
        if question.kind == "values":
            return list(get(f"/label/{question.label}/values", **{"match[]": expr}))
        if question.kind == "instant":
            rows = get("/query", query=expr, time=now)["result"]
            return [row for row in rows if row["value"][1] != "NaN"]
        rows = get("/query_range", query=expr, start=now - RANGE, end=now, step=question.step)["result"]
        return [row for row in rows if any(value != "NaN" for _, value in row["values"])]

    with prometheus:
        yield answer


def of(where: str) -> Question:
    (found,) = [question for question in QUESTIONS if question.where == where]
    return found


def says(rows: list[Any]) -> set[tuple[str, ...]]:
    """The labels of the answer's rows, by name."""
    return {tuple(value for _, value in sorted(row["metric"].items())) for row in rows}


def is_up(ask: Ask) -> str:
    """The value behind the one big word; empty when nobody looks."""
    return "".join(row["value"][1] for row in ask(of("Is the site up? A")))


def soon(condition: Callable[[], object], what: str) -> None:
    wait_until(condition, 10, what)


def test_every_query_returns_data_while_the_site_is_hurt(site: Site, ask: Ask) -> None:
    # Prometheus has seen everybody once: what was never there is no outage to it.
    wait_until(lambda: ask(of("service")) == SERVICES, ANSWERED_WITHIN, "every service to choose from")
    assert ask(of("place")) == ["east", "west"]
    wait_until(lambda: is_up(ask) == YES, 20, "the dashboard says: yes")

    site.ok("release", "roll-out", "1.1", "timeline@east")
    site.ok("ops", "resume", "notify:all")
    site.ok("chaos", "kill", "post:all", "--for", "90s", "--detach")
    end = time.monotonic() + ANSWERED_WITHIN
    for question in QUESTIONS:
        wait_until(lambda one=question: ask(one), end - time.monotonic(), f"an answer to: {question}")  # type: ignore[misc]

    # Each panel has something to show by now; what exactly, Prometheus may learn a scrape later.
    soon(lambda: is_up(ask) == NO, "the dashboard says: no")
    both = {("kill", "post@east"), ("kill", "post@west")}
    soon(lambda: says(ask(of("Broken on purpose now A"))) == both, "both faults, and no other")
    soon(lambda: says(ask(of("Faults"))) >= both, "both faults in the timeline")
    soon(lambda: ("post", "down") in says(ask(of("What users cannot do now A"))), "post is down")
    alerts = {("post", "JourneyDown", "page"), ("post@east", "PartDown", "page")}
    soon(lambda: alerts <= says(ask(of("Alerts that fire A"))), f"the alerts {alerts}")
    soon(lambda: "post" in {row["metric"]["journey"] for row in ask(of("Outages A"))}, "the outage")

    changed = {row["metric"]["release"] for row in ask(of("Releases"))}
    assert "1.1" in changed, "the roll-out is marked"

    site.ok("chaos", "heal")
    site.ok("release", "roll-back", "timeline@east")
    site.wait_green()
    wait_until(lambda: is_up(ask) == YES, 20, "the dashboard says: yes again")
    soon(lambda: not ask(of("Broken on purpose now A")), "no fault is shown")
    soon(lambda: not ask(of("What users cannot do now A")), "users can do everything")
    # What is over can still be seen, as long as it lies in the time range.
    assert says(ask(of("Faults A"))) >= both
    assert "post" in {row["metric"]["journey"] for row in ask(of("Outages A"))}
