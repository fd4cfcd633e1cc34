"""Who is at work on an alert says so to the Alertmanager, and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from foundation.failure import USAGE, Failure
from operations import waiting
from operations.known import acknowledge
from testbed.alertmanager import Silence
from testbed.control import Unreachable


def refusal_of(act: Callable[[], object]) -> Failure:
    with pytest.raises(Failure) as refusal:
        act()
    assert refusal.value.next_step
    return refusal.value


class FakeAlertmanager:
    """`in_force` says whether a silence that is made is in force."""

    def __init__(self, part: Any, in_force: bool = True) -> None:
        self.part, self.in_force = part, in_force
        self.made: list[tuple[Any, ...]] = []
        self.there: list[Silence] = []

    def silence(self, alert: str, seconds: float, by: str, why: str) -> str:
        self.made.append((alert, seconds, by, why))
        if self.in_force:
            self.there.append(Silence(f"s-{len(self.made)}", alert, by))
        return f"s-{len(self.made)}"

    def silences(self) -> list[Silence]:
        return list(self.there)

    def end(self, silence: Silence) -> None:
        self.there.remove(silence)


def test_who_is_at_work_on_an_alert_acknowledges_it(
    do: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(acknowledge, "IN_FORCE_WITHIN", 0.02)
    site.evaluated_alerts = lambda part: {"JourneyDown": "firing"}
    site.alertmanager = alertmanager = FakeAlertmanager(site.inventory.part("alertmanager"))
    done = do("acknowledge", "JourneyDown", reason="on it", hold=90.0)
    assert done.said == "nobody is paged for JourneyDown for 1m30s; sooner: failwhale ops restore-alerts"
    assert (done.parts, alertmanager.made) == (("alertmanager",), [("JourneyDown", 90.0, "anna", "on it")])
    wrong = refusal_of(lambda: do("acknowledge", "JourneyUp"))
    assert (wrong.code, wrong.message) == (USAGE, "no alert is named 'JourneyUp': did you mean JourneyDown?")
    alertmanager.in_force = False
    late = refusal_of(lambda: do("acknowledge", "JourneyDown"))
    assert "the silence of JourneyDown is not in force" in late.message


def test_an_alert_can_be_acknowledged_that_nobody_evaluates_now(do: Any, site: Any) -> None:
    """Prometheus may be down, or be restarted."""

    def down(part: Any) -> dict[str, str]:
        raise Unreachable("127.0.0.1:9090 does not answer")

    site.evaluated_alerts = down
    site.alertmanager = alertmanager = FakeAlertmanager(site.inventory.part("alertmanager"))
    do("acknowledge", "JourneyDown")
    assert alertmanager.made == [("JourneyDown", 300.0, "anna", "acknowledged")]


def test_without_an_alertmanager_nothing_can_be_acknowledged_and_what_can_be_done_is_said(do: Any) -> None:
    refused = refusal_of(lambda: do("acknowledge", "JourneyDown"))
    assert refused.message == "this site has no Alertmanager, so a page cannot be acknowledged"
    assert "failwhale ops silence JourneyDown" in refused.next_step
    assert "dashboards/fetch.sh" in refused.next_step


def test_restored_alerts_are_silenced_by_nobody(do: Any, site: Any) -> None:
    rules = SimpleNamespace(is_incomplete=False, has_added=False, names=lambda: {"PartDown"})
    rules.put_back = rules.remove_added = lambda: rules.__dict__.update(is_incomplete=False)
    site.alert_rules, site.evaluated_alerts = rules, lambda part: {"PartDown": "inactive"}
    site.runtime.reload = lambda name: None
    site.alertmanager = alertmanager = FakeAlertmanager(site.inventory.part("alertmanager"))
    two = [Silence("s-1", "JourneyDown", "anna"), Silence("s-2", "", "ben")]
    alertmanager.there = list(two)
    done = do("restore-alerts")
    assert (done.said, done.parts) == ("no longer silenced: JourneyDown, s-2", ("prometheus", "alertmanager"))
    assert alertmanager.there == []
    assert "no alert is silenced" in refusal_of(lambda: do("restore-alerts")).message
    alertmanager.there, rules.is_incomplete = list(two), True
    assert do("restore-alerts").said == (
        "Prometheus evaluates its 1 alerts; no longer silenced: JourneyDown, s-2"
    )
    # One that is down is not in the way of the rules.
    site.down.add("alertmanager")
    alertmanager.there, rules.is_incomplete = list(two), True
    assert do("restore-alerts").said == "Prometheus evaluates its 1 alerts"
