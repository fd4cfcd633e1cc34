"""`failwhale demo`: to its end, and interrupted at any moment; nothing is left either way."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from site_under_test import Site, wait_until

# The demo chooses plain processes whatever is set: it starts in two seconds, and needs nothing installed.
pytestmark = pytest.mark.parametrize("runtime", ["processes"], indirect=True)


def test_demo_reports_and_leaves_nothing(new_site: Callable[[], Site], tmp_path: Path) -> None:
    site = new_site()
    report = tmp_path / "report.html"
    told = site.ok(
        "demo", "--state", str(site.state), "--output", str(report), "--incidents", "2", timeout=170
    )
    assert "1/2" in told
    assert "retweets-fail: as-expected" in told
    assert "<svg" in report.read_text()
    assert site.left() == []
    assert not site.state.exists()


def started(site: Site) -> bool:
    return (site.state / "site.json").exists()


def in_an_incident(site: Site) -> bool:
    return any(fault["times"]["applied"] for fault in site.active())


@pytest.mark.parametrize("moment", [started, Site.is_green, in_an_incident])
def test_ctrl_c_leaves_nothing(new_site: Callable[[], Site], moment: Callable[[Site], bool]) -> None:
    site = new_site()
    report = site.state.parent / "report.html"
    with site.running("demo", "--state", str(site.state), "--output", str(report)) as demo:
        wait_until(lambda: started(site) and moment(site), 60, moment.__name__)
        demo.send_signal(signal.SIGINT)
        told, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, told
    assert "Traceback" not in told
    assert site.left() == []
    assert not site.state.exists()
