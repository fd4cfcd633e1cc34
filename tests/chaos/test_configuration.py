"""How the configuration is changed: by people, by faults that are undone, and while the store is away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from failwhale.verbs import app
from foundation.console import run
from foundation.failure import Failure
from services.platform.configuration.document import Document
from testbed.configuration import restoring, setting

ACCESS = "plans.own.access"


@pytest.fixture
def site(laboratory: Any) -> Any:
    return laboratory.site


def change(site: Any, make: Any, **more: Any) -> Any:
    return site.configuration.change(make, patience=0.2, **more)


def test_a_change_is_in_force_everywhere_and_says_what_it_did(site: Any) -> None:
    made = change(site, setting({ACCESS: "read"}, "ann", "to see"))
    assert (made.way, made.missing, made.document.version) == ("store", {}, 1)
    assert made.parts == [part.name for part in site.inventory.parts if part.kind == "service"]
    assert made.changes == {ACCESS: ("read-write", "read")}
    assert (made.document.by, made.document.reason) == ("ann", "to see")
    assert site.configuration.stored() == [made.document]


def test_setting_a_key_to_its_default_takes_it_out(site: Any) -> None:
    change(site, setting({ACCESS: "read"}, "ann", None))
    assert change(site, setting({ACCESS: None}, "ann", None)).document.values == {}


def test_a_roll_back_is_a_new_version_that_says_the_same(site: Any) -> None:
    for value in ("read", "none"):
        change(site, setting({ACCESS: value}, "ann", None))
    back = change(site, restoring(site.configuration.version(1), "bob", None))
    assert (back.document.version, back.document.restores) == (3, 1)
    assert back.document.values == {ACCESS: "read"}
    assert change(site, restoring(site.configuration.version(0), "bob", None)).document.values == {}
    with pytest.raises(Failure, match="nobody has version 9"):
        site.configuration.version(9)


def test_what_a_fault_forced_is_undone_and_what_others_changed_since_stays(site: Any) -> None:
    configuration = site.configuration
    change(site, setting({ACCESS: "read"}, "ann", None))
    for _ in range(2):  # a fault is applied again by whoever takes over from a dead controller
        configuration.force("f-1", {ACCESS: "all", "flags.second-factor": False}, "chaos", "fault f-1")
    forced = configuration.newest()
    assert (forced.version, forced.forced, forced.values[ACCESS]) == (2, True, "all")
    change(site, setting({"clients.app": "free"}, "ann", None))
    configuration.release(["f-2"], "chaos", "end")
    assert configuration.is_forced("f-1")
    configuration.release(["f-1"], "chaos", "end")
    configuration.release(["f-1"], "chaos", "end")
    assert configuration.newest().values == {ACCESS: "read", "clients.app": "free"}
    assert configuration.newest().version == 4


def test_what_somebody_sets_is_not_undone_with_a_fault(site: Any) -> None:
    site.configuration.force("f-1", {ACCESS: "none", "flags.second-factor": False}, "chaos", "fault f-1")
    change(site, setting({ACCESS: "read"}, "ann", None))
    site.configuration.release(["f-1"], "chaos", "end")
    assert site.configuration.newest().values == {ACCESS: "read"}


def test_a_roll_back_ends_a_fault(site: Any) -> None:
    site.configuration.force("f-1", {ACCESS: "none"}, "chaos", "fault f-1")
    change(site, restoring(site.configuration.version(0), "ann", None))
    assert not site.configuration.is_forced("f-1")
    site.configuration.release(["f-1"], "chaos", "end")
    assert site.configuration.newest().version == 2


def test_without_a_primary_it_is_handed_to_the_parts(site: Any) -> None:
    site.roles = {"store@east": "replica", "store@west": "replica"}
    made = change(site, setting({ACCESS: "read"}, "ann", None))
    assert (made.way, made.missing) == ("direct", {})
    assert site.configuration.stored() == []
    assert site.configuration.newest() == made.document
    assert change(site, restoring(site.configuration.version(0), "ann", None)).way == "direct"


def test_where_the_parts_read_nothing_it_says_who_has_it_not(site: Any) -> None:
    for part in site.stores:
        site.withhold_configuration(part)
    made = change(site, setting({ACCESS: "read"}, "ann", None))
    assert made.parts == []
    assert made.missing["post@east"] == "has version 0, and read the store 60.0 s ago"
    handed = change(site, setting({ACCESS: "none"}, "ann", None), direct=True)
    assert (handed.way, handed.missing) == ("both", {})


def test_who_does_not_answer_is_told(site: Any) -> None:
    site.runtime.kill("post@east")
    made = change(site, setting({ACCESS: "read"}, "ann", None))
    assert made.missing == {"post@east": "does not answer; it reads it when it starts"}


def test_two_who_change_it_at_once_both_do(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version that one has in mind was taken meanwhile: it makes the next one."""
    real, others = site.write_configuration, [Document(1, by="bob", values={"clients.app": "free"})]

    def write(part: Any, document: Document) -> bool:
        if others:
            real(part, others.pop())
        return bool(real(part, document))

    monkeypatch.setattr(site, "write_configuration", write)
    made = change(site, setting({ACCESS: "read"}, "ann", None))
    assert made.document.version == 2
    assert made.document.values == {"clients.app": "free", ACCESS: "read"}


def test_with_nobody_there_it_fails_and_says_so(site: Any) -> None:
    for part in site.inventory.parts:
        site.runtime.kill(part.name)
    with pytest.raises(Failure, match="neither a store nor a part answers"):
        change(site, setting({ACCESS: "read"}, "ann", None))


def test_a_history_of_nothing_says_so(
    site: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("testbed.site.Site", lambda state: site)
    assert run(app, "failwhale", ["config", "history"]) == 0
    assert capsys.readouterr().out == "nobody has changed anything: every key is at its default\n"
    assert run(app, "failwhale", ["config", "history", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    for value in ("read", "none"):
        change(site, setting({ACCESS: value}, "ann", None))
    assert run(app, "failwhale", ["config", "history", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["version"], row["changes"][ACCESS]) for row in rows] == [
        (2, {"from": "read", "to": "none"}),
        (1, {"from": "read-write", "to": "read"}),
    ]
