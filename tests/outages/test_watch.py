"""The live view: what it shows first, in which room, of a site whose parts answer what they are told to."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from site_files import record as part
from site_files import write_site

from foundation.clock import stamp
from foundation.failure import Failure
from foundation.ledger import Ledger
from foundation.state import State
from outages import sources
from outages.journey_names import NAMES
from outages.prometheus import Prometheus
from outages.recent import Recent
from outages.watch import Live

REFUSED = "status: 503 service-unreachable: post: 127.0.0.1:7: [Errno 111] Connection refused"
NUMBERS = {"rate": 2.04, "errors": 0.25, "p50": 0.0121, "p99": 1.4}


def silent(*_: object) -> Any:
    raise Failure("nobody answers")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """Posting is down, which leaves freshness without data; a fault is in force, and alerts fire."""
    state, now = State(tmp_path), time.time()
    write_site(state, [part("post@east", {"8000": "127.0.0.1:7"})], on="processes up")
    ledger = Ledger(state.ledger)
    begun = {"fault": "kill-1", "name": "kill", "target": "post@east", "selector": "post:all"}
    ledger.append("prober.started")
    ledger.append("fault.requested", **begun, until=stamp(now + 20))
    ledger.append("fault.applied", **begun, until=stamp(now + 20))
    down = {"type": "down", "start": stamp(now - 4), "end": None, "attempts": 1, "failed": 1}
    for journey in ("post", "read-back"):
        ledger.append("outage.opened", **down, journey=journey, error=REFUSED)
    since = {"since": stamp(now - 4), "attempts": 9, "failed": 0, "last_error": None}
    journeys: dict[str, Any] = {name: {"state": "green", **since} for name in NAMES}
    for journey in ("post", "read-back"):
        journeys[journey] |= {"state": "down", "last_error": REFUSED}
    journeys["freshness"] |= {"state": "unknown", "no_data": f"post: {REFUSED}"}
    said = {"journeys": journeys, "recent": dict.fromkeys(NAMES, NUMBERS), "record": {}}
    monkeypatch.setattr(sources, "prober_now", lambda state: said)

    def answer(prometheus: Prometheus, query: str) -> list[tuple[dict[str, str], float]]:
        if "ALERTS" in query:
            burning = [({"alertname": "Burns", "journey": name}, 1.0) for name in ("read-back", "post")]
            return [*burning, ({"alertname": "PartDown", "service": "post", "place": "east"}, 1.0)]
        return [({"place": "east"}, 12.34), ({"place": "west"}, 0.0)]

    monkeypatch.setattr("testbed.choice.runtime_of", silent)
    monkeypatch.setattr(Prometheus, "of", lambda state: Prometheus("nowhere:1"))
    monkeypatch.setattr(Prometheus, "now", answer)
    return state


def drawn(
    state: State, width: int, height: int = 24, *, blocked: bool = False, share: float = 1.0
) -> list[str]:
    live = Live(state, share)
    live.ask()
    live._sources.blocked = blocked
    live._sources.promotions.append((time.time() + 1, "store@west"))
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(live.renderable())
    live.close()
    return [line.rstrip() for line in console.export_text().splitlines()]


def rows(lines: list[str]) -> list[str]:
    """The names of the journeys from above to below."""
    return [line.split()[0] for line in lines if line.split()[:1] and line.split()[0] in NAMES]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_it_fits_and_the_worst_stands_first(state: State, width: int) -> None:
    lines = drawn(state, width)
    assert max(map(len, lines)) <= width
    assert len(lines) <= 24
    assert [name for name in rows(lines) if name in NAMES][:3] == ["post", "read-back", "freshness"]
    assert sorted(rows(lines)) == sorted(NAMES)


def test_at_80_columns_it_tells_numbers_faults_events_and_what_the_monitoring_says(state: State) -> None:
    lines = drawn(state, 80, blocked=True)
    text = "\n".join(lines)
    assert "10 green   1 no data   2 down   blocked" in lines[0]
    assert lines[1].startswith("broken now  kill  ")
    assert "s left  post:all" in lines[1]
    assert "requests/s  12.3 at east, 0.0 at west" in lines
    assert "alerts      PartDown post@east; Burns post, read-back" in lines
    (post,) = [line for line in lines if line.startswith("post ")]
    assert post.split()[1:7] == ["down", post.split()[2], "2.0", "25%", "12ms", "1.4s"]
    events = [line.partition("  ")[2] for line in lines if line[2:3] == ":" and line[5:6] == ":"]
    assert events == [
        "store@west is the primary now",
        "kill post:all begins",
        "post, read-back down: post@east refused the connection",
    ]
    assert "127.0.0.1" not in text


def test_what_engineers_do_is_an_event(state: State) -> None:
    operation = {"id": "o-1", "operation": "restart", "target": "post:all", "parts": [], "asked_by": "anna"}
    ledger = Ledger(state.ledger)
    ledger.append("operation.refused", **operation, why="post@east is not ready", seconds=9.0)
    ledger.append("operation.done", **operation, said="restarted", seconds=1.0)
    text = "\n".join(drawn(state, 80, 40))
    assert "restart post:all by anna: restarted" in text
    assert "restart post:all by anna: refused, post@east is not ready" in text


def test_a_page_is_an_event_and_who_acknowledges_it(state: State) -> None:
    page = {"alert": "JourneyDown", "journey": "post", "labels": {"alertname": "JourneyDown"}}
    ledger = Ledger(state.ledger)
    ledger.append("page.opened", **page, start=stamp(time.time()), end=None)
    ledger.append("page.acknowledged", **page, start=stamp(time.time()), by="anna", until=stamp(time.time()))
    text = "\n".join(drawn(state, 80, 40))
    assert "page: JourneyDown post" in text
    assert "page acknowledged by anna: JourneyDown post" in text


def test_a_wide_screen_says_what_users_see(state: State) -> None:
    said = {line.split()[0]: line for line in drawn(state, 160) if line}
    assert said["post"].endswith("post@east refused the connection")
    assert said["freshness"].endswith("post fails: post@east refused the connection")


def test_a_low_screen_gives_up_events_before_journeys(state: State) -> None:
    lines = drawn(state, 80, height=20)
    assert len(lines) <= 20
    assert sorted(rows(lines)) == sorted(NAMES)


def test_with_a_share_of_a_low_screen_the_worst_are_shown_and_all_are_counted(state: State) -> None:
    lines = drawn(state, 80, share=0.4)
    assert len(lines) <= 10
    assert rows(lines)[:2] == ["post", "read-back"]
    assert len(rows(lines)) < len(NAMES)
    assert "10 green   1 no data   2 down" in lines[0]


def test_without_prometheus_nothing_is_said_of_it(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prometheus, "now", silent)
    assert not any(line.startswith(("requests/s", "alerts")) for line in drawn(state, 80))


def test_the_numbers_are_of_the_last_minute_and_claim_no_more_than_is_known() -> None:
    recent = Recent()
    assert recent.numbers(0.0) == {"rate": 0.0, "errors": None, "p50": None, "p99": None}
    for number in range(99):
        recent.add(number / 2, 0.01 * (number + 1), failed=number < 33)
    told = recent.numbers(49.5)
    assert (told["rate"], told["errors"], told["p50"], told["p99"]) == (2.0, 1 / 3, 0.5, None)
    recent.add(49.5, 5.0, failed=False)
    assert recent.numbers(49.5)["p99"] == 0.99
    assert recent.numbers(109.4)["p50"] == 5.0
    assert recent.numbers(110.0)["errors"] is None


def test_what_a_prober_saw_that_is_dead_is_not_shown_as_if_it_were_now(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "prober_now", lambda state: {})
    header, *lines = drawn(state, 200)
    said = rf"{len(NAMES)} no data for \d+m?s: the prober does not answer"
    assert re.search(said, " ".join(header.split())), header
    rows = [line for line in lines if line.split() and line.split()[0] in NAMES]
    assert len(rows) == len(NAMES)
    assert all(row.rstrip().endswith("·") for row in rows), "also where an outage was open"


def test_that_the_site_was_taken_down_is_said(state: State) -> None:
    assert not any("not up any more" in line for line in drawn(state, 80))
    state.site_file.unlink()
    lines = drawn(state, 80)
    assert "the site is not up any more; start it: failwhale up" in lines
    assert not any("broken on purpose" in line for line in lines)
