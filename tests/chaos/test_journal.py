from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.journal import Book, Busy, Entry, Journal, Order, PartProgress, compact, read, replay
from chaos.phase import Phase
from foundation.clock import parse

KEPT = 10
AT = "2026-01-31T12:00:00.000000Z"


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is synced to the disk: with hundreds of them a test takes seconds."""
    monkeypatch.setattr("chaos.journal.KEPT_PAST", KEPT)


def order(identifier: str, *targets: str) -> Order:
    return Order(identifier, "kill", "post:all", targets or ("post@east",), {}, 10.0, 1000.0, 1010.0, 7)


def line(event: str, identifier: str = "a", target: str = "post@east", **fields: object) -> bytes:
    if event in ("blocked", "unblocked"):
        return json.dumps({"at": AT, "event": event}).encode() + b"\n"
    record = {"at": AT, "event": event, "id": identifier, "target": target, **fields}
    if event == "requested":
        more = {
            "fault": "kill",
            "selector": target,
            "targets": [target],
            "parameters": {},
            "seconds": 5,
            "seed": 1,
        }
        record |= {**more, "until": AT}
    return json.dumps(record).encode() + b"\n"


LIFE = [
    line("requested"),
    line("applied"),
    line("verified", verified=True, evidence="gone"),
    line("reverting", ended_by="limit"),
    line("reverted", evidence="ready"),
]


def test_the_lines_of_a_life_are_its_steps() -> None:
    book = replay(LIFE)
    progress = book.entries["a"].progress["post@east"]
    assert progress.applied is not None
    assert progress.verified is True
    assert progress.evidence == "gone"
    assert progress.ended_by == "limit"
    assert progress.reverted is not None
    assert book.entries["a"].over


def test_a_fault_is_over_when_every_part_is_free_of_it(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.ndjson")
    journal.begin(order("a", "post@east", "post@west"))
    journal.note("reverted", id="a", target="post@east", evidence="ready")
    assert not journal.book.entries["a"].settled
    journal.note("unknown", id="a", target="post@west", evidence="silent")
    assert journal.book.entries["a"].settled
    assert not journal.book.entries["a"].over
    journal.note("reverted", id="a", target="post@west", evidence="ready after all")
    assert journal.book.entries["a"].over
    journal.close()


def test_what_is_in_memory_is_what_the_next_one_reads(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.ndjson")
    journal.begin(order("a"))
    journal.note("applied", id="a", target="post@east")
    journal.note("ended", id="a", by="heal")
    journal.note("blocked")
    journal.close()
    successor = Journal.open(tmp_path / "journal.ndjson")
    assert successor.book.entries == journal.book.entries
    assert successor.book.blocked
    successor.close()


@given(st.data())
def test_a_crash_leaves_a_prefix_which_means_a_state_on_the_way(data: st.DataObject) -> None:
    content = b"".join(LIFE)
    cut = data.draw(st.integers(0, len(content)))
    whole = content[:cut].count(b"\n")
    assert replay(content[:cut].splitlines()) in (replay(LIFE[:whole]), replay(LIFE[: whole + 1]))


@given(st.lists(st.one_of(st.sampled_from(LIFE), st.binary(max_size=30), st.sampled_from([b"[]\n", b"3\n"]))))
def test_any_lines_have_a_meaning(lines: list[bytes]) -> None:
    assert isinstance(replay(lines), Book)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["requested", "applied", "reverting", "reverted", "unknown", "ended", "blocked", "unblocked"]
            ),
            st.sampled_from("abcd"),
        )
    ),
    st.integers(0, 4),
)
def test_compacting_forgets_nothing_but_the_oldest_that_are_over(
    steps: list[tuple[str, str]], kept_past: int
) -> None:
    fields = {"ended": {"by": "heal"}, "reverting": {"ended_by": "heal"}}
    lines = [line(event, one, **fields.get(event, {"evidence": "so"})) for event, one in steps]
    before, after = replay(lines), replay(compact(lines, kept_past))
    assert after.blocked == before.blocked
    over = [identifier for identifier, entry in before.entries.items() if entry.over]
    forgotten = over[: max(0, len(over) - kept_past)]
    assert after.entries == {one: entry for one, entry in before.entries.items() if one not in forgotten}
    assert compact(compact(lines, kept_past), kept_past)[:-1] == compact(lines, kept_past)[:-1]


def test_a_torn_last_line_is_dropped_before_the_next_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.ndjson"
    path.write_bytes(b"".join(LIFE[:2]) + LIFE[2][:20])
    journal = Journal.open(path)
    journal.note("reverting", id="a", target="post@east", ended_by="limit")
    journal.close()
    assert path.read_bytes().count(b"\n") == 3
    assert all(json.loads(one) for one in path.read_bytes().splitlines())
    assert replay(path.read_bytes().splitlines()).entries["a"].progress["post@east"].reverting


def test_a_long_life_does_not_make_a_long_journal(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.ndjson")
    journal.begin(order("in-force"))
    for number in range(2 * KEPT + 10):
        journal.begin(order(f"f-{number}"))
        journal.note("reverted", id=f"f-{number}", target="post@east", evidence="ready")
    assert len(journal.book.entries) <= 2 * KEPT
    assert not journal.book.entries["in-force"].over
    assert f"f-{2 * KEPT + 9}" in journal.book.entries
    journal.close()


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    holder = Journal.open(tmp_path / "journal.ndjson")
    with pytest.raises(Busy):
        Journal.open(tmp_path / "journal.ndjson", patience=0.05)
    holder.close()
    Journal.open(tmp_path / "journal.ndjson").close()


HOLDER = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from chaos.journal import Journal, Order
journal = Journal.open(Path(sys.argv[1]))
journal.begin(Order("a", "kill", "post@east", ("post@east",), {}, 10.0, 1000.0, 1010.0, 7))
print("held", flush=True)
time.sleep(60)
"""


def test_a_killed_holder_lets_go_and_what_it_began_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "journal.ndjson"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.kill(holder.pid, signal.SIGKILL)
        successor = Journal.open(path, patience=5.0)
    finally:
        holder.kill()
        holder.communicate()
    assert successor.book.entries["a"].order.targets == ("post@east",)
    assert not successor.book.entries["a"].over
    successor.close()


def test_a_disk_that_is_full_forbids_a_new_fault_and_stops_no_revert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path / "journal.ndjson")
    journal.begin(order("a"))
    size = (tmp_path / "journal.ndjson").stat().st_size
    write = os.write

    def full(file: int, content: bytes) -> int:
        write(file, content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        journal.begin(order("b"))
    assert "b" not in journal.book.entries
    journal.note("reverting", id="a", target="post@east", ended_by="limit")
    assert journal.book.entries["a"].progress["post@east"].reverting
    assert (tmp_path / "journal.ndjson").stat().st_size == size
    monkeypatch.undo()
    journal.close()


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_compaction_that_fails_leaves_the_journal_as_it_was_and_touches_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It happened that the journal had let go of its file, and wrote into whatever got the descriptor."""
    path = tmp_path / "journal.ndjson"
    journal = Journal.open(path)
    for number in range(2 * KEPT):
        journal.begin(order(f"f-{number}"))
        journal.note("reverted", id=f"f-{number}", target="post@east", evidence="ready")
    before = path.read_bytes()
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        with pytest.raises(OSError, match="No space"):
            journal.begin(order("refused"))
    somebody_elses = (tmp_path / "somebody-elses").open("wb+", buffering=0)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".new"] == []
    journal.note("unknown", id="f-7", target="post@east", evidence="no room")
    assert (tmp_path / "somebody-elses").read_bytes() == b""
    assert path.read_bytes().startswith(before)
    assert b"no room" in path.read_bytes()
    journal.begin(order("taken"))
    assert "taken" in journal.book.entries
    assert replay(path.read_bytes().splitlines()) == journal.book
    journal.close()
    somebody_elses.close()


def test_what_could_not_be_written_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.ndjson"
    journal = Journal.open(path)
    journal.begin(order("a"))
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        journal.note("reverting", id="a", target="post@east", ended_by="limit")
        journal.note("reverted", id="a", target="post@east", evidence="ready")
        assert not journal.catch_up()
        assert not read(path).entries["a"].over
        with pytest.raises(OSError, match="No space"):
            journal.begin(order("b"))
    assert journal.catch_up()
    assert read(path) == journal.book
    assert read(path).entries["a"].over
    journal.begin(order("c"))
    assert [json.loads(one)["event"] for one in path.read_bytes().splitlines()] == [
        "requested",
        "reverting",
        "reverted",
        "requested",
    ]
    journal.close()


def test_a_journal_is_taken_up_on_a_full_disk_without_its_torn_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.ndjson"
    path.write_bytes(b"".join(LIFE[:3]) + LIFE[3][:20])
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        journal = Journal.open(path)
    assert journal.book == replay(LIFE[:3])
    assert path.read_bytes() == b"".join(LIFE[:3])
    journal.note("reverted", id="a", target="post@east", evidence="ready")
    assert replay(path.read_bytes().splitlines()).entries["a"].over
    journal.close()


def test_a_disk_with_next_to_no_room_takes_no_new_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path / "journal.ndjson")
    journal.begin(order("a"))
    monkeypatch.setattr("chaos.journal.is_full", lambda folder: folder == tmp_path)
    with pytest.raises(OSError, match="next to no room"):
        journal.begin(order("b"))
    assert list(journal.book.entries) == ["a"]
    journal.note("reverted", id="a", target="post@east", evidence="ready")
    assert read(tmp_path / "journal.ndjson").entries["a"].over
    journal.close()


# --- every word of it ---


def test_an_order_from_before_callers_were_named_is_about_everybody_and_nobody_knows_whose_it_was() -> None:
    order = replay([line("requested")]).entries["a"].order
    assert (order.from_selector, order.callers) == (None, ())
    assert (order.reason, order.asked_by) == ("", "")


def test_an_order_is_read_as_it_was_written(tmp_path: Path) -> None:
    asked = Order(
        "kill-1",
        "kill",
        "post:all",
        ("a", "b"),
        {"share": 0.5, "route": None},
        2.5,
        1000.25,
        1002.75,
        9,
        77.5,
        "place:east",
        ("frontend@east",),
        "game",
        "anna",
    )
    journal = Journal.open(tmp_path / "deep" / "journal.ndjson")
    journal.begin(asked)
    journal.close()
    entry = read(tmp_path / "deep" / "journal.ndjson").entries["kill-1"]
    assert entry == journal.book.entries["kill-1"]
    assert entry == Entry(asked, {"a": PartProgress(), "b": PartProgress()})
    (written,) = (tmp_path / "deep" / "journal.ndjson").read_bytes().splitlines()
    assert json.loads(written)["event"] == "requested"
    assert json.loads(written)["until"] == "1970-01-01T00:16:42.750000Z"
    assert b" " not in written.replace(b"post:all", b"")


def test_an_order_of_an_earlier_version_knows_only_the_wall_clock() -> None:
    assert replay(LIFE[:1]).entries["a"].order.until_by_machine is None


def test_where_there_is_no_journal_nothing_is_known(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == Book(entries={}, blocked=False)


def told(record: dict[str, object]) -> bytes:
    return json.dumps({"at": AT, "id": "a", "target": "post@east", **record}).encode()


EARLY, LATE = "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:09.000000Z"


@pytest.mark.parametrize(
    ("lines", "progress"),
    [
        ([{"event": "applied"}], PartProgress(applied=parse(AT))),
        (
            [{"event": "verified", "verified": None, "evidence": "?"}],
            PartProgress(verified=None, evidence="?"),
        ),
        (
            [{"event": "verified", "verified": False, "evidence": "no"}],
            PartProgress(verified=False, evidence="no"),
        ),
        (
            [{"event": "verified", "verified": True, "evidence": "yes"}],
            PartProgress(verified=True, verified_at=parse(AT), evidence="yes"),
        ),
        ([{"event": "failed", "why": "refused"}], PartProgress(failed="refused")),
        (
            [{"event": "ceased", "evidence": "it is up"}],
            PartProgress(ceased=parse(AT), end_evidence="it is up"),
        ),
        ([{"event": "reverting", "ended_by": "heal"}], PartProgress(reverting=parse(AT), ended_by="heal")),
        (
            [{"event": "reverted", "evidence": "ready"}],
            PartProgress(reverted=parse(AT), end_evidence="ready"),
        ),
        (
            [{"event": "unknown", "evidence": "silent"}],
            PartProgress(unknown=parse(AT), end_evidence="silent"),
        ),
        ([{"event": "sung"}], PartProgress()),
        (
            [
                {"event": "ceased", "evidence": "one", "at": EARLY},
                {"event": "ceased", "evidence": "two", "at": LATE},
            ],
            PartProgress(ceased=parse(EARLY), end_evidence="two"),
        ),
        (
            [
                {"event": "reverting", "ended_by": "one", "at": EARLY},
                {"event": "reverting", "ended_by": "two", "at": LATE},
            ],
            PartProgress(reverting=parse(EARLY), ended_by="two"),
        ),
    ],
)
def test_what_each_line_says(lines: list[dict[str, object]], progress: PartProgress) -> None:
    book = replay([LIFE[0], *(told(one) for one in lines)])
    assert book.entries["a"].progress == {"post@east": progress}


def test_a_journal_from_before_the_steps_were_named_after_the_phases_says_the_same() -> None:
    former = [
        line("requested"),
        line("applied"),
        line("proved", proved=True, evidence="it is down"),
        line("ceased", why="it is up"),
        line("reverted", by="itself"),
        line("unknown", why="silent"),
    ]
    assert replay(former[:-1]).entries["a"].progress["post@east"].phase is Phase.REVERTING
    assert replay(former).entries["a"].progress["post@east"].phase is Phase.UNKNOWN
    (progress,) = replay([*former, line("gone", why="ready")]).entries["a"].progress.values()
    assert progress.phase is Phase.CEASED
    assert (progress.verified, progress.evidence) == (True, "it is down")
    assert (progress.ended_by, progress.end_evidence) == ("itself", "ready")


def test_who_ended_it_first_is_remembered() -> None:
    book = replay([LIFE[0], line("ended", by="operator"), line("ended", by="heal")])
    assert book.entries["a"].ended_by == "operator"


def test_a_line_about_nothing_known_changes_nothing() -> None:
    book = replay(LIFE[:1])
    for other in (line("applied", "b"), line("applied", "a", "post@west"), line("reverting"), b"{}\n"):
        assert replay([LIFE[0], other]) == book


def test_blocked_is_remembered_until_it_is_taken_back(tmp_path: Path) -> None:
    assert replay([line("blocked")]).blocked
    assert not replay([line("blocked"), line("unblocked")]).blocked
    assert len(compact([line("blocked"), line("blocked"), *LIFE])) == len(LIFE) + 1
    (kept,) = compact([line("blocked")])
    assert json.loads(kept).keys() == {"at", "event"}
    assert replay([kept]).blocked


@pytest.mark.parametrize(
    ("wall", "machine", "left"), [(4.0, None, 4.0), (4.0, 3.0, 3.0), (3.0, 4.0, 3.0), (99.0, 98.0, 10.0)]
)
def test_what_is_left_is_what_the_shorter_clock_says_and_no_more_than_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, wall: float, machine: float | None, left: float
) -> None:
    monkeypatch.setattr("foundation.deadline.steady", lambda: 50.0)
    monkeypatch.setattr("foundation.deadline.time", SimpleNamespace(time=lambda: 1000.0))
    by_machine = None if machine is None else 50.0 + machine
    asked = Order("a", "kill", "post@east", ("post@east",), {}, 10.0, 0.0, 1000.0 + wall, 7, by_machine)
    assert asked.left() == left


def test_it_is_compacted_when_twice_as_many_are_known_as_are_kept(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.ndjson")
    for number in range(2 * KEPT):
        journal.begin(order(f"f-{number}"))
        journal.note("reverted", id=f"f-{number}", target="post@east", evidence="ready")
    assert len(journal.book.entries) == 2 * KEPT
    journal.begin(order("last"))
    assert list(journal.book.entries) == [*(f"f-{number}" for number in range(KEPT, 2 * KEPT)), "last"]
    assert read(tmp_path / "journal.ndjson") == journal.book
    journal.close()


def test_why_nothing_is_begun_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.open(tmp_path / "journal.ndjson")
    monkeypatch.setattr("chaos.journal.is_full", lambda folder: True)
    with pytest.raises(OSError, match=r"^\[Errno 28\] there is next to no room left: '.+'$") as raised:
        journal.begin(order("a"))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(tmp_path))
    journal.close()


def test_who_holds_it_is_waited_for(tmp_path: Path) -> None:
    holder = Journal.open(tmp_path / "journal.ndjson")
    with pytest.raises(Busy) as busy:
        Journal.open(tmp_path / "journal.ndjson")
    assert busy.value.message == "another process holds the journal of faults"
    assert busy.value.next_step == "see: failwhale status"
    threading.Timer(0.1, holder.close).start()
    Journal.open(tmp_path / "journal.ndjson", patience=10.0).close()
