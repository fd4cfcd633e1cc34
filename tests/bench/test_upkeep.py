"""How what was measured of a site that is left to itself is told and drawn."""

from __future__ import annotations

from xml.etree import ElementTree

from rich.console import Console

from bench.upkeep import Look, Upkeep, plot, table

FOUND = Upkeep(
    4,
    [
        Look(0.0, {"event_log_entries": 10.0}, []),
        Look(10.0, {"event_log_entries": 40.0, "backups_bytes": 5000.0}, ["trim-events"]),
        Look(40.0, {"event_log_entries": 20.0, "backups_bytes": 6000.0}, []),
    ],
    ["post down 1.2 s"],
)


def test_each_size_is_told_when_it_had_settled_at_the_end_and_at_its_highest() -> None:
    console = Console(width=200)
    with console.capture() as said:
        console.print(table(FOUND))
    lines = [line.split() for line in said.get().splitlines()]
    assert ["event_log_entries", "40", "20", "40"] in lines
    assert ["backups_bytes", "5,000", "6,000", "6,000"] in lines
    assert "felt: post down 1.2 s; late at some time: trim-events" in " ".join(said.get().split())


def test_each_size_has_a_curve_from_zero_to_its_highest() -> None:
    drawn = ElementTree.fromstring(plot(FOUND))
    space = "{http://www.w3.org/2000/svg}"
    curves = [curve.get("points") for curve in drawn.iter(f"{space}polyline")]
    assert curves == ["180.0,45.7 720.0,34.0", "0.0,190.5 180.0,138.0 720.0,173.0"]
    assert [text.text for text in drawn.iter(f"{space}text")] == [
        "backups_bytes, at most 6,000",
        "event_log_entries, at most 40",
    ]
