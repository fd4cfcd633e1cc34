"""The report: one page that needs nothing else, whatever happened in the run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from test_history import STARTED, STOPPED, T, fault, line, outage

from foundation.ledger import Record
from outages import report
from outages.history import History, read
from outages.journey_names import NAMES
from outages.rule_sets import RULE_SETS
from outages.watch import CELLS, strip
from outages.wording import COMES_FROM_THE_PROBER

LOAD = [
    line(1, "load.started", load="x", shape="steady", people=50, rate=100.0, seconds=60),
    line(90, "load.finished", load="x", sent=100, good=99, interrupted=False),
]
EVIL = "<script>alert(1)</script>"
OPERATION = {"id": "o-1", "operation": "restart", "target": "post:all", "parts": [], "asked_by": "anna"}


def scored(detected: bool | None, delay: float | None, false: int = 0) -> Record:
    return {"detected": detected, "delay": delay, "false_positives": false, "alerts": []}


def played(
    at: float,
    name: str,
    good: bool = True,
    verdict: str = "as-expected",
    why: str = "",
    hurt: Sequence[str] = ("post",),
    **rule_sets: Record,
) -> Record:
    scores = {which.replace("_", "-"): row for which, row in rule_sets.items()}
    what = {"run": "x", "manner": "play", "title": "Posts fail", "seconds": 7.25, "why": why}
    how = {"verdict": verdict, "good": good, "hurt": list(hurt), "rule_sets": scores}
    return line(at, "incident.finished", incident=name, **what, **how)


RUNS: dict[str, list[Record]] = {
    "nothing": [],
    "calm": [STARTED, STOPPED],
    "going on": [STARTED, *fault("a", "post@east", 3, None), *outage("post", 4, None)],
    "eventful": [
        STARTED,
        *LOAD,
        *fault("a", "post@east", 10, 20),
        *fault("b", "post@west", 10, 20),
        *outage("post", 12, 16),
        *outage("post", 12, 17, "slow"),
        *outage("page", 97, 99, unobserved=True),
        line(50, "prober.gap", start=STARTED["at"], end=STOPPED["at"]),
        STOPPED,
    ],
    "malicious": [STARTED, *fault(EVIL, EVIL, 1, 2), *outage(EVIL, 1, 2), STOPPED],
    "operated": [
        STARTED,
        line(5, "operation.refused", **{**OPERATION, "target": EVIL}, why=EVIL, seconds=1.0),
        line(9, "operation.done", **OPERATION, reason="it errs", said="restarted, and ready", seconds=1.0),
        STOPPED,
    ],
    "incidents": [
        STARTED,
        played(9, "posts-fail", up_only=scored(False, None), journeys=scored(True, 2.5)),
        played(19, "posts-fail", up_only=scored(True, 1.0), journeys=scored(True, 4.0, false=2)),
        played(29, "posts-fail", good=False, verdict="deviated", why=EVIL, journeys=scored(None, None)),
        played(39, "calm", hurt=[], up_only=scored(None, None)),
        line(49, "incident.finished", incident=EVIL, run="x", manner="no-op", verdict="deviated", good=True),
        STOPPED,
    ],
}


def page(history: History) -> str:
    return report.page(history, {"127.0.0.1:7": "retweet@east"})


class Page(HTMLParser):
    """Collects tags, and the addresses that a browser would load."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "line", "rect", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("rect", "line"):
            return
        assert self.open.pop() == tag


@pytest.mark.parametrize("run", RUNS)
def test_the_page_is_whole_and_loads_nothing(run: str) -> None:
    content = page(read(RUNS[run]))
    parsed = Page(content)
    assert parsed.open == []
    assert parsed.loads == []
    assert "script" not in parsed.tags
    assert "@import" not in content
    assert "url(http" not in content


def test_what_engineers_did_is_told_with_who_and_why() -> None:
    content = page(read(RUNS["operated"]))
    (section,) = re.findall(r"<h2>Operations</h2>.*?</section>", content, re.DOTALL)
    for told in ("restart post:all", "anna", "restarted, and ready", "it errs", "refused: &lt;script&gt;"):
        assert told in section
    assert "<h2>Operations</h2>" not in page(read(RUNS["calm"]))


def drawing(records: list[Record]) -> ET.Element:
    content = page(read(records))
    return ET.fromstring(content[content.index("<svg") : content.index("</svg>") + len("</svg>")])


def test_the_drawing_has_a_row_for_each_journey_and_a_bar_for_each_outage() -> None:
    svg = drawing(RUNS["eventful"])
    texts = [element.text for element in svg.iter("text")]
    assert set(NAMES) <= set(texts)
    assert {"kill post@east", "kill post@west", "steady, 50 people"} <= set(texts)
    bars = [element.get("class") for element in svg.iter("rect")]
    assert (bars.count("down"), bars.count("slow"), bars.count("gap")) == (2, 1, 1)
    titles = [element.text or "" for element in svg.iter("title")]
    assert any(
        "post down for 4s" in title and "cause: kill post@east, kill post@west" in title for title in titles
    )


def test_a_fault_on_many_parts_has_one_bar_and_one_shadow() -> None:
    parts = [row for place in ("east", "west") for row in fault("a", f"post@{place}", 10, 20)]
    drawn = [element.get("class") for element in drawing([STARTED, *parts, STOPPED]).iter()]
    assert (drawn.count("fault"), drawn.count("shadow")) == (1, 1)


def test_what_could_not_be_measured_is_hatched_on_its_row_and_told_with_its_reason() -> None:
    why = "post: status: 504 service-too-slow: post"
    told = {"journey": "freshness", "start": STARTED["at"], "why": why}
    records = [STARTED, line(5, "no-data.closed", **told, end=line(5, "")["at"]), STOPPED]
    blind = [element for element in drawing(records).iter("rect") if element.get("class") == "blind"]
    (title,) = [element.text for rect in blind for element in rect]
    assert title == "freshness: no data for 5s\npost fails: post did not answer in time"
    content = page(read(records))
    assert "<span title='post fails: post did not answer in time'>5s</span>" in content
    assert "No outage, and no fault was injected." in content


def test_bars_stay_inside_the_drawing() -> None:
    svg = drawing(RUNS["eventful"])
    width = float(svg.attrib["viewBox"].split()[2])
    for bar in svg.iter("rect"):
        if "x" in bar.attrib:
            assert float(bar.attrib["x"]) >= 0
            assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width


def test_a_long_name_of_a_fault_is_cut_and_its_title_has_all_of_it() -> None:
    services = ("auth", "post", "retweet", "timeline", "notify", "frontend", "maintenance")
    names = [f"{service}@{place}" for service in services for place in ("east", "west")]
    svg = drawing([STARTED, *(row for name in names for row in fault("a", name, 50, 52)), STOPPED])
    (named,) = [text.text or "" for text in svg.iter("text") if (text.text or "").startswith("kill")]
    assert len(named) <= 50
    assert named.endswith("…")
    assert any("maintenance@east,west" in (title.text or "") for title in svg.iter("title"))


def test_the_facts_and_shares_do_not_flatter() -> None:
    tally = line(90, "tally", journeys={"page": {"good": 192, "slow": 3}, "post": {"good": 29999, "bad": 1}})
    content = page(read([STARTED, tally, *outage("page", 5, 8, "slow"), *outage("post", 5, 8)]))
    assert "<dt>journeys down</dt><dd>1 of 13 <small>1 more slow</small>" in content
    assert ">98.46%<" in content
    assert ">99.99%<" in content
    labels = [text for text in drawing(RUNS["eventful"]).iter("text") if "label" in (text.get("class") or "")]
    assert {text.text for text in labels if "hurt" in (text.get("class") or "")} == {"post", "page"}


def test_the_faults_agree_with_the_causes() -> None:
    content = page(
        read([STARTED, *fault("a", "store@east", 10, 20, hurts=["page"]), *outage("page", 21, 23)])
    )
    assert "after kill store@east" in content
    assert "<small>afterwards:</small> page 2s" in content


def test_an_error_is_told_in_words_that_name_parts() -> None:
    raw = "status: 503 service-unreachable: retweet: 127.0.0.1:7: [Errno 111] Connection refused"
    cut = "status: 503 service-unreachable: The service retweet."
    told = [
        {**one, "error": error}
        for error in (raw, cut)
        for one in outage("retweet", *((5, 6) if error == raw else (15, 16)))
    ]
    content = page(read([STARTED, *told]))
    assert "retweet@east refused the connection" in content
    assert "retweet cannot be reached" in content
    assert "status: 503" not in content


def test_a_fault_on_many_parts_is_one_row_and_what_it_did_another() -> None:
    parts = [
        row
        for part in ("post@east", "auth@east", "store@east")
        for row in fault("kill-1", part, 10, 20, selector="place:east")
    ]
    content = page(read([STARTED, *parts, *outage("post", 11, 13), *outage("post", 14, 15), STOPPED]))
    faults = content[content.index("<h2>Faults") : content.index("<h2>Journeys")]
    assert faults.count("<tr>") == 2, "the heads, and one row"
    assert "place:east <small>3 parts</small>" in faults
    assert "post 3s" in faults
    outages = content[content.index("<h2>Outages") : content.index("<details>")]
    assert outages.count("<tr>") == 2
    assert "<b>kill place:east</b>" in outages
    assert "post ×2" in outages
    assert "<summary>each time by itself, 2 of them</summary>" in content


def test_alerts_are_explained_and_count_outages_as_the_headline_does() -> None:
    cut = fault("cut", "post@east", 10, 30)
    history = read([STARTED, *cut, *outage("post", 11, 13), *outage("post", 15, 17), *outage("page", 60, 61)])
    history.join_causes()
    for row, detected in zip(history.outages, (False, True, False), strict=True):
        row.detected = detected
    content = page(history)
    assert "<h1>2 outages; post was down longest, for 4s.</h1>" in content
    assert "<dt>alerts</dt><dd>1 of 2 <small>outages raised one</small>" in content
    assert "late: it came when the outage was over" in content


def test_the_page_says_whose_series_the_alerts_are_about() -> None:
    history = read(RUNS["eventful"])
    assert COMES_FROM_THE_PROBER not in page(history)
    history.outages[0].detected = False
    assert COMES_FROM_THE_PROBER in page(history)


def test_each_cell_says_its_column_on_a_phone() -> None:
    content = page(read(RUNS["eventful"]))
    assert "data-head='cause'" in content


def test_nothing_happened_is_said_plainly() -> None:
    content = page(read(RUNS["calm"]))
    assert "No outage: every journey went well, every time." in content
    assert "No fault was injected." in content


def test_the_strip_of_the_live_view_shows_the_worst_of_each_moment() -> None:
    now = T + 60
    history = read([line(-100, "prober.started"), *outage("post", 0, 15), *outage("post", 30, 45, "slow")])
    cells = strip(history, "post", now)
    assert len(cells) == CELLS
    assert cells[0] == "down"
    assert cells[:11] == ["down"] * 11
    assert cells[15] == "green"
    assert cells[20:31] == ["slow"] * 11
    assert strip(history, "page", now) == ["green"] * CELLS
    assert strip(read([]), "page", now) == ["unknown"] * CELLS


def test_incidents_are_told_with_what_each_set_of_rules_noticed() -> None:
    content = page(read(RUNS["incidents"]))
    assert "4 of 5 came out as they have to" in content
    assert "<span class='keep missed'>2 of 3</span>" in content
    assert EVIL not in content
    cells = rows_of(content, "Which alerting rules")
    assert [row[0] for row in cells] == ["posts-fail"]
    assert dict(zip(RULE_SETS, cells[0][1:], strict=True)) == {
        **dict.fromkeys(RULE_SETS, ""),
        "up-only": "1 of 2",
        "journeys": "unknown, 2 false",
    }


def test_the_bar_of_a_delay_is_as_long_as_it_was_late() -> None:
    content = page(read([STARTED, played(9, "posts-fail", journeys=scored(True, 5.0)), STOPPED]))
    assert "<span class='delay' style='--share:25%'>5.0 s</span>" in content


def test_where_no_incident_was_played_nothing_is_said_of_them() -> None:
    assert "Incidents" not in page(read(RUNS["eventful"]))


def rows_of(content: str, heading: str) -> list[list[str]]:
    """The words in the cells of the table under a heading."""
    body = content.partition(heading)[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = body.split("<tr>")[1:]
    return [[re.sub("<[^>]*>", "", cell) for cell in re.findall("<td.*?</td>", row)] for row in rows]
