"""Operations that set one thing right: what they wait for, and what they say where there is nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from foundation.failure import USAGE, Failure
from operations import waiting
from operations.known import re_attach, reconcile, resume, silence, sync_clock, trim, unbar
from testbed.event_log import GroupNow, Skipped


@pytest.fixture(autouse=True)
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.001)
    for module, name in (
        (re_attach, "FOLLOWS_WITHIN"),
        (resume, "READS_WITHIN"),
        (sync_clock, "RIGHT_WITHIN"),
        (unbar, "KNOWN_WITHIN"),
    ):
        monkeypatch.setattr(module, name, 0.02)


def refusal_of(act: Callable[[], object]) -> Failure:
    with pytest.raises(Failure) as refusal:
        act()
    assert refusal.value.next_step
    return refusal.value


# --- the store ---


def test_only_who_is_barred_is_let_be_promoted_and_the_sentinels_must_know(do: Any, site: Any) -> None:
    barred, known = {"store@west"}, True
    site.is_barred = lambda part: part.name in barred
    site.unbar = lambda part: barred.discard(part.name)
    site.barred_by = lambda part: {"sentinel@east": part.name in barred or not known}
    site.failover_hindrance = lambda: ""
    assert do("unbar").said == "store@west may be promoted"
    assert refusal_of(lambda: do("unbar")).message == "store@west is not barred"
    barred.add("store@west")
    known = False
    assert "not every sentinel knows it" in refusal_of(lambda: do("unbar")).message
    site.down.add("store@west")
    silent = refusal_of(lambda: do("unbar"))
    assert silent.message == "store@west does not answer"
    assert "failwhale ops restart store@west" in silent.next_step


def test_a_replica_follows_who_the_sentinels_name(do: Any, site: Any) -> None:
    east, west = site.stores
    attached: list[tuple[str, str]] = []
    primary, lags = east, False
    site.agreed_primary = lambda: primary
    site.re_attach = lambda part, to: attached.append((part.name, to.name))
    site.store_role = lambda part: site.roles[part.name]
    site.lags = lambda part: lags
    assert do("re-attach").said == "store@west follows store@east, and has what it wrote"
    assert attached == [("store@west", "store@east")]
    lags = True
    assert "does not follow store@east within" in refusal_of(lambda: do("re-attach")).message
    primary = west
    assert refusal_of(lambda: do("re-attach")).message == "store@west is the primary"
    primary = None
    assert "name no primary" in refusal_of(lambda: do("re-attach")).message
    assert len(attached) == 2


def test_a_limit_of_memory_is_lifted_where_there_is_one(do: Any, site: Any) -> None:
    limits = {"store@east": "1", "store@west": "0"}
    site.setting = lambda part, name: limits[part.name]
    site.give_back = lambda part, name, usual: limits.update({part.name: usual})
    assert do("lift-memory-limit", "store:all").said == "takes as much memory as it needs: store@east"
    assert limits == {"store@east": "0", "store@west": "0"}
    assert refusal_of(lambda: do("lift-memory-limit")).message == "store@east has no limit"


def test_room_on_the_disk(do: Any, site: Any) -> None:
    full, refusing = {"store@east"}, set()
    site.runtime.is_disk_full = lambda name: name in full
    site.free_disk = lambda part: full.discard(part.name)
    site.lacks_disk = lambda part: part.name in refusing
    assert do("free-disk").said == "has room on the disk: store@east"
    assert "there is room on the disk" in refusal_of(lambda: do("free-disk")).message
    full.add("store@east")
    refusing.add("store@east")
    assert refusal_of(lambda: do("free-disk")).next_step == "failwhale ops restart store@east"


def test_the_services_password(do: Any, site: Any) -> None:
    rotated, stays = {"store@west"}, False
    site.is_password_rotated = lambda part: part.name in rotated
    site.give_password_back = lambda part: stays or rotated.discard(part.name)
    assert do("tell-password").said == "takes the services' password: store@west"
    assert "takes the services' password" in refusal_of(lambda: do("tell-password")).message
    rotated.add("store@west")
    stays = True
    assert "still refuses" in refusal_of(lambda: do("tell-password")).message


# --- services ---


def test_the_token_key_is_put_back_and_everybody_goes_by_it(do: Any, site: Any) -> None:
    told: list[tuple[str, str]] = []
    key = site.token_key = SimpleNamespace(is_lost=True, restore=lambda: None, why_unread=lambda: "")
    site.set_right = lambda part, what: told.append((part.name, what))
    target = "frontend:all"
    assert do("restore-token-key", target).said == (
        "the key is in its place again; goes by it: frontend@east, frontend@west"
    )
    assert told == [("frontend@east", "token-key"), ("frontend@west", "token-key")]
    key.is_lost = False
    assert do("restore-token-key", target).said == "goes by it: frontend@east, frontend@west"
    key.why_unread = lambda: "no such file"
    assert refusal_of(lambda: do("restore-token-key", target)).message.endswith("no such file")


def test_clocks_are_right_by_what_answers_say(do: Any, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = {"post@east": 300.0, "post@west": 0.5}
    obeys = True
    monkeypatch.setattr(sync_clock, "_ahead", lambda site, part: ahead[part.name])
    site.set_right = lambda part, what: obeys and ahead.update({part.name: 0.0})
    assert do("sync-clock", "post:all").said == (
        "clocks are right: post@east, post@west (post@east was 5m ahead)"
    )
    assert do("sync-clock", "post@east").said.endswith("(they were before)")
    ahead["post@east"], obeys = -60.0, False
    assert (
        "not every clock of post@east is right" in refusal_of(lambda: do("sync-clock", "post@east")).message
    )


# --- work ---


def group(**idle: float) -> GroupNow:
    return GroupNow(0.0, 0.0, {f"notify@{place}": seconds for place, seconds in idle.items()}, {})


def test_consumers_take_events_again_once_they_have_asked_for_some(do: Any, site: Any) -> None:
    told: list[str] = []
    site.set_right = lambda part, what: told.append(f"{part.name} {what}")
    site.group_now = lambda name: group(east=0.3, west=1.2)
    assert do("resume", "notify:all").said == "take events again: notify@east, notify@west"
    assert told == ["notify@east consumers", "notify@west consumers"]
    site.group_now = lambda name: group(east=0.3, west=30.0)
    silent = refusal_of(lambda: do("resume", "notify:all"))
    assert silent.next_step == "failwhale ops restart notify:all"
    site.group_now = lambda name: None
    refusal_of(lambda: do("resume", "notify@east"))


def test_a_job_is_resumed_at_every_part_that_may_do_it(
    do: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    site.control = lambda part: SimpleNamespace(ask=lambda *words: asked.append(f"{part.name} {words[1]}"))
    monkeypatch.setattr(resume, "leading", lambda site, job: None)
    monkeypatch.setattr(resume, "do_now", lambda site, job, seconds: "maintenance@west")
    done = do("resume", "trim-data")
    assert done.said == "trim-data is done again, by maintenance@west"
    assert done.parts == ("maintenance@east", "maintenance@west")
    assert asked == [f"maintenance@{place} /-/jobs/trim-data/resume" for place in ("east", "west")]


def test_a_kind_is_no_job(do: Any) -> None:
    assert "can mean one part or all" in refusal_of(lambda: do("resume", "notify")).message


def test_what_holds_a_group_up_is_skipped_once(do: Any, site: Any) -> None:
    stuck: list[Skipped | None] = [Skipped("5-0", "post.liked", 40)]
    asked: list[tuple[str, int, str]] = []

    def skip_event(name: str, tries: int, by: str) -> Skipped | None:
        asked.append((name, tries, by))
        return stuck.pop() if stuck else None

    site.skip_event = skip_event
    site.group_now = lambda name: GroupNow(7.0, 0.0, {}, {})
    assert do("skip", "notify:all").said == "notifications gave up event 5-0 (post.liked) after 40 tries"
    assert asked == [("notifications", 3, "anna")]
    nothing = refusal_of(lambda: do("skip", "notify:all"))
    assert nothing.message == "no event holds up notifications"
    assert nothing.next_step == "what waits for 7s is not taken: failwhale ops resume notify:all"


def test_what_is_trimmed_is_done_by_its_job(do: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(trim, "do_now", lambda site, job, seconds: done.append(job) or "maintenance@east")
    assert do("trim", "events").said == "trim-events is done, by maintenance@east"
    assert do("trim", "data").said == "trim-data is done, by maintenance@east"
    assert done == ["trim-events", "trim-data"]
    wrong = refusal_of(lambda: do("trim", "logs"))
    assert (wrong.code, wrong.next_step) == (USAGE, "what can: events, data")


def test_counters_that_are_wrong_all_the_same_are_no_success(
    do: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "do_now", lambda site, job, seconds: "maintenance@east")
    site.wrongly_counted = lambda: None
    assert do("reconcile").said == "counted by maintenance@east, and what was looked at is right"
    site.wrongly_counted = lambda: SimpleNamespace(post="7", said=1000, right=2)
    wrong = refusal_of(lambda: do("reconcile"))
    assert "post 7 says that 1000 like it: 2 do" in wrong.message
    assert "failwhale ops restart maintenance:all" in wrong.next_step


# --- alerts ---


def test_an_alert_is_silenced_once_it_is_not_evaluated(
    do: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "READ_WITHIN", 0.02)
    evaluated, reads = {"PartDown": "firing", "JourneyDown": "firing"}, True
    taken: list[str] = []
    site.alert_rules = SimpleNamespace(take_out=taken.append)
    site.runtime.reload = lambda name: reads and evaluated.pop(taken[-1])
    site.evaluated_alerts = lambda part: evaluated
    done = do("silence", "PartDown")
    assert done.said == "PartDown does not fire any more; again: failwhale ops restore-alerts"
    assert (done.parts, taken) == (("prometheus",), ["PartDown"])
    wrong = refusal_of(lambda: do("silence", "JourneyUp"))
    assert (wrong.code, wrong.message) == (USAGE, "no alert is named 'JourneyUp': did you mean JourneyDown?")
    reads = False
    assert "goes on to evaluate JourneyDown" in refusal_of(lambda: do("silence", "JourneyDown")).message
    evaluated.clear()
    assert refusal_of(lambda: do("silence", "PartDown")).message == "Prometheus does not answer"


def test_prometheus_goes_by_its_own_rules_again(do: Any, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.known import restore_alerts

    monkeypatch.setattr(restore_alerts, "READ_WITHIN", 0.02)
    evaluated = {"PartDown": "inactive"}
    rules = SimpleNamespace(
        is_incomplete=True,
        has_added=False,
        put_back=lambda: setattr(rules, "is_incomplete", False),
        remove_added=lambda: None,
        names=lambda: {"PartDown", "JourneyDown"},
    )
    site.alert_rules = rules
    site.runtime.reload = lambda name: evaluated.update({"JourneyDown": "inactive"})
    site.evaluated_alerts = lambda part: evaluated
    assert do("restore-alerts").said == "Prometheus evaluates its 2 alerts"
    assert refusal_of(lambda: do("restore-alerts")).message == (
        "Prometheus goes by its own rules, no alert is silenced"
    )
    rules.has_added = True
    evaluated["TooMany"] = "firing"
    assert "does not evaluate its 2 alerts" in refusal_of(lambda: do("restore-alerts")).message
