"""What the supervisor promised is done, whatever fails beside it: above all on a full disk."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.runtimes.processes import deaths, leases, record
from testbed.runtimes.processes.identity import Process
from testbed.runtimes.processes.leases import Leases
from testbed.runtimes.processes.loop import Loop
from testbed.runtimes.processes.record import Lease, Remembered, read_leases, read_parts, write_leases

REAL_WRITE = os.write
REAL_TIME = time.time


def no_room(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def run_until(loop: Loop, condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Run the loop until something holds; what does not come true in time fails."""
    late = []

    def look() -> None:
        if condition():
            loop.stop()
        else:
            loop.after(0.002, look)

    def give_up() -> None:
        late.append(1)
        loop.stop()

    loop.after(0, look)
    timer = loop.after(seconds, give_up)
    loop._running = True
    loop.run()
    timer.cancel()
    assert not late, f"not within {seconds:g} s"


@pytest.fixture
def loop() -> Loop:
    return Loop(lambda: False)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "AGAIN_SECONDS", 0.01)


def test_a_callback_that_fails_keeps_no_other_from_its_turn(loop: Loop) -> None:
    done = []
    out, into = os.pipe()
    os.write(into, b"!")

    def fail_once() -> None:
        os.read(out, 1)
        done.append("read")
        raise OSError(errno.ENOSPC, "No space left on device")

    loop.watch(out, fail_once)
    loop.after(0, lambda: no_room())
    loop.after(0.01, lambda: done.append("timer"))
    run_until(loop, lambda: len(done) == 2)
    assert sorted(done) == ["read", "timer"]
    os.close(out)
    os.close(into)


@pytest.mark.usefixtures("impatient")
def test_every_lease_is_kept_on_a_full_disk_and_forgotten_on_disk_when_there_is_room(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undone: list[str] = []
    kept = Leases(loop, tmp_path, lambda lease: undone.append(lease.part))
    kept.arm("a", "post@east", "start", 0.01)
    kept.arm("b", "auth@east", "resume", 0.02)
    with monkeypatch.context() as full:
        full.setattr(record, "_put", no_room)
        run_until(loop, lambda: len(undone) == 2)
        assert undone == ["post@east", "auth@east"]
        assert not kept.holds("post@east")
        assert set(read_leases(tmp_path)) == {"a", "b"}
    run_until(loop, lambda: read_leases(tmp_path) == {})
    assert undone == ["post@east", "auth@east"]


@pytest.mark.usefixtures("impatient")
def test_an_undo_that_fails_is_tried_again(loop: Loop, tmp_path: Path) -> None:
    tries = []

    def undo(lease: Lease) -> None:
        tries.append(lease.part)
        if len(tries) < 3:
            no_room()

    kept = Leases(loop, tmp_path, undo)
    kept.arm("a", "post@east", "start", 0.01)
    run_until(loop, lambda: len(tries) == 3)
    assert not kept.holds("post@east")
    assert read_leases(tmp_path) == {}


def test_a_promise_that_cannot_be_written_down_is_not_given(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Leases(loop, tmp_path, lambda lease: pytest.fail("nothing was promised"))
    with monkeypatch.context() as full:
        full.setattr(record, "_put", no_room)
        with pytest.raises(OSError, match="No space"):
            kept.arm("a", "post@east", "start", 0.001)
    assert not kept.holds("post@east")
    kept.disarm("a")


def test_without_room_for_a_second_file_the_first_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_leases(tmp_path, {"a": Lease("post@east", "start", 1000.0)})

    def only_over(file: int, content: bytes) -> int:
        return no_room() if os.fstat(file).st_size == 0 else REAL_WRITE(file, content)

    monkeypatch.setattr(os, "write", only_over)
    more = {name: Lease("auth@west", "resume", 2000.0) for name in "bcde"}
    write_leases(tmp_path, more)
    assert read_leases(tmp_path) == more
    write_leases(tmp_path, {})
    assert read_leases(tmp_path) == {}
    assert [one.name for one in tmp_path.iterdir()] == ["leases.json"]
    with pytest.raises(OSError, match="No space"):
        write_leases(tmp_path, {str(number): Lease("auth@west", "resume", 2000.0) for number in range(200)})
    assert read_leases(tmp_path) == {}


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_lease_is_due_by_the_clock_that_says_less(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """Also for a supervisor that takes it up after the wall clock was set."""
    monkeypatch.setattr(leases, "LOOK_AGAIN_SECONDS", 0.01)
    Leases(loop, tmp_path, lambda lease: None).arm("a", "post@east", "start", 0.1 if step < 0 else 60)
    undone: list[str] = []
    later = Loop(lambda: False)
    taken_up = Leases(later, tmp_path, lambda lease: undone.append(lease.part))
    if step < 0:
        monkeypatch.setattr("foundation.deadline.time.time", lambda: REAL_TIME() + step)
    taken_up.take_up()
    later.after(
        0.03, lambda: monkeypatch.setattr("foundation.deadline.time.time", lambda: REAL_TIME() + step)
    )
    run_until(later, lambda: undone)
    assert read_leases(tmp_path) == {}


def test_a_lease_of_an_earlier_version_is_kept(tmp_path: Path) -> None:
    row = {"part": "post@east", "undo": "start", "until": 1000.0}
    (tmp_path / "leases.json").write_text(json.dumps({"a": row}))
    (lease,) = read_leases(tmp_path).values()
    assert lease.left() < 0


# --- whose process it is ---


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is nobody's part, and leads a group of its own."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture(params=["pidfd", "poll"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How deaths are learned: by a file that the kernel gives, or by looking."""
    if request.param == "poll":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd")
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_who_got_the_pid_of_a_dead_part_is_left_alone(loop: Loop, innocent: subprocess.Popen[bytes]) -> None:
    """An adopted part has died, and a stranger, who leads a group, has its pid now."""
    real = Process.of(innocent.pid)
    codes: list[int | None] = []
    deaths.watch(loop, Process(real.pid, real.created - 1), codes.append)
    run_until(loop, lambda: codes)
    assert codes == [None]
    assert real.is_alive()
    assert innocent.poll() is None


@pytest.mark.usefixtures("way")
def test_a_child_is_reaped_with_its_code_and_what_it_started_ends_with_it(loop: Loop, tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/child; read word; kill -9 $$"
    part = subprocess.Popen(["sh", "-c", script], start_new_session=True, stdin=subprocess.PIPE)
    codes: list[int | None] = []
    deaths.watch(loop, Process.of(part.pid), codes.append)
    assert part.stdin is not None
    part.stdin.write(b"go on\n")
    part.stdin.close()
    run_until(loop, lambda: codes)
    assert codes == [-signal.SIGKILL]
    with pytest.raises(ChildProcessError):
        os.waitpid(part.pid, os.WNOHANG)
    part.returncode = 0  # it is reaped
    child = int((tmp_path / "child").read_text())
    run_until(loop, lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


@pytest.mark.usefixtures("way")
def test_a_child_that_died_before_it_was_watched_is_reaped(loop: Loop) -> None:
    part = subprocess.Popen(["sh", "-c", "sleep 0.05; exit 7"], start_new_session=True)
    process = Process.of(part.pid)
    os.waitid(os.P_PID, part.pid, os.WEXITED | os.WNOWAIT)
    codes: list[int | None] = []
    deaths.watch(loop, process, codes.append)
    run_until(loop, lambda: codes)
    assert codes == [7]
    part.returncode = 7


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_what_is_remembered_of_a_part_outlives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.write_parts(tmp_path, {"post@east": Remembered(Process(1, 2.0))})
    assert json.loads((tmp_path / "parts.json").read_text())
    assert (tmp_path / "parts.json").stat().st_size == record.BLOCK
    assert read_parts(tmp_path) == {"post@east": Remembered(Process(1, 2.0))}
