"""The process runtime with real processes: start, crash, kill, pause, lease, adoption, and the end of
everything."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from site_files import before_versions
from toys import Toys, is_gone, wait_until

from foundation.failure import Failure
from foundation.state import State
from testbed.choice import runtime_of
from testbed.inventory import Inventory
from testbed.purge import purge
from testbed.runtimes.processes import beginning, ending, running, sitefile
from testbed.runtimes.processes.client import Processes
from testbed.site import Site
from testbed.sitefile import SiteFile, keep_what_ends_it


def test_starts_in_order_and_tells_what_runs(toys: Toys) -> None:
    runtime = toys.up()
    assert toys.phases()["genesis"] == "done"
    assert toys.state.token == "toy"
    assert toys.answer("toy@east") == toys.pid("toy@east")
    rows = {row.name: row for row in runtime_of(toys.state).status()}
    assert list(rows) == ["toy@east", "toy@west", "script"]
    east = rows["toy@east"]
    assert (east.running, east.ready, east.paused) == (True, True, False)
    assert (east.service, east.place, east.release) == ("toy", "east", "1.0")
    assert east.address == f"127.0.0.1:{toys.port}"
    assert (east.memory_bytes or 0) > 100_000
    assert SiteFile.read(toys.state).edges == {"east": f"https://localhost:{toys.port}"}
    assert runtime.is_running("toy@east")


def test_parts_are_forked_and_lead_sessions_of_their_own(toys: Toys) -> None:
    toys.up()
    east = psutil.Process(toys.pid("toy@east"))
    assert east.ppid() == toys.supervisor().pid
    assert os.getsid(east.pid) == east.pid
    assert east.cwd() == str(Path(__file__).parent / "toy")


def test_what_a_part_takes_is_what_the_kernel_counts(toys: Toys) -> None:
    runtime = toys.up()
    used = runtime.usage("toy@east")
    process = psutil.Process(toys.pid("toy@east"))
    times = process.cpu_times()
    assert used.cpu_seconds <= times.user + times.system
    assert 100_000 < used.memory_bytes <= process.memory_info().rss * 2
    assert used.memory_limit is None
    runtime.kill("toy@east")
    with pytest.raises(Failure, match="toy@east is not running"):
        runtime.usage("toy@east")


def test_what_dies_without_an_order_is_restarted_at_once(toys: Toys) -> None:
    runtime = toys.up()
    before = toys.pid("toy@east")
    psutil.Process(before).kill()
    wait_until(lambda: toys.pid_or_none("toy@east") not in (before, None), "restarted", 2)
    toys.wait_ready()
    assert toys.answer("toy@east") == toys.pid("toy@east")
    assert [row.restarts for row in runtime.status()] == [1, 0, 0]


def test_a_crash_loop_backs_off(toys: Toys) -> None:
    toys.begin(TOY_CRASH="1")
    wait_until(lambda: toys.reasons()["toy@west"] == "exited with code 3", "the crash noticed")
    wait_until(lambda: toys.restarts("toy@west") >= 3, "restarted a few times")
    log = (toys.state.logs / "toy@west.log").read_text()
    assert log.count("toy west runs") <= toys.restarts("toy@west") + 1
    # 0, 0.1, 0.2, 0.4 s ... between them: in the time of these tests there cannot be hundreds.
    assert toys.restarts("toy@west") < 20
    assert toys.phases()["script"] == "waiting"


def test_killed_stays_down_until_started(toys: Toys) -> None:
    runtime = toys.up()
    before = toys.pid("toy@east")
    runtime.kill("toy@east")
    assert is_gone(before)
    assert not runtime.is_running("toy@east")
    assert toys.phases()["toy@east"] == "down"
    runtime.kill("toy@east")
    runtime.start("toy@east")
    assert runtime.is_running("toy@east")
    runtime.start("toy@east")
    toys.wait_ready()
    assert toys.answer("toy@east") != before


def test_stop_ends_what_ignores_the_signal_after_its_grace(toys: Toys) -> None:
    runtime = toys.up(TOY_STUBBORN="1")
    runtime.stop("toy@west")
    assert not runtime.is_running("toy@west")


def test_pause_and_resume(toys: Toys) -> None:
    runtime = toys.up()
    runtime.pause("toy@east")
    assert runtime.is_paused("toy@east")
    assert runtime.is_running("toy@east")
    (east, *_) = runtime.status()
    assert (east.running, east.ready, east.paused) == (True, False, True)
    runtime.resume("toy@east")
    assert not runtime.is_paused("toy@east")
    assert toys.answer("toy@east") == toys.pid("toy@east")


def test_a_lease_starts_again_what_was_killed(toys: Toys) -> None:
    runtime = toys.up()
    runtime.arm("lease", "toy@east", "start", 0.3)
    runtime.kill("toy@east")
    wait_until(lambda: runtime.is_running("toy@east"), "started by the lease", 3)


def test_a_lease_resumes_what_was_paused(toys: Toys) -> None:
    runtime = toys.up()
    runtime.arm("lease", "toy@east", "resume", 0.3)
    runtime.pause("toy@east")
    assert runtime.is_paused("toy@east")
    wait_until(lambda: not runtime.is_paused("toy@east"), "resumed by the lease", 3)


def stopped(pid: int) -> float:
    """Share of the time for which the system has a process stopped."""
    looks = []
    for _ in range(60):
        looks.append(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        time.sleep(0.003)
    return sum(looks) / len(looks)


def test_a_starved_part_runs_by_turns_and_is_not_called_paused(toys: Toys) -> None:
    runtime = toys.up()
    pid = toys.pid("toy@east")
    assert not runtime.is_starved("toy@east")
    runtime.starve("lease", "toy@east", 0.1, 60)
    assert runtime.is_starved("toy@east")
    wait_until(lambda: 0.4 < stopped(pid) < 1, "by turns")
    assert not any(runtime.is_paused("toy@east") for _ in range(20))
    assert [row.paused for row in runtime.status()] == [False, False, False]
    assert runtime.held_back("toy@east", lambda: time.sleep(0.2)) > 0.05
    assert toys.answer("toy@east") == pid
    for _ in range(2):
        runtime.feed("toy@east")
        assert not runtime.is_starved("toy@east")
    assert stopped(pid) == 0
    assert runtime.held_back("toy@east", lambda: time.sleep(0.05)) == 0


def test_turns_outlive_the_supervisor_and_end_with_their_lease(toys: Toys) -> None:
    runtime = toys.up()
    pid = toys.pid("toy@east")
    runtime.starve("lease", "toy@east", 0.05, 3)
    toys.kill_supervisor()
    runtime.status()
    wait_until(lambda: 0.4 < stopped(pid) < 1, "by turns again", 2)
    wait_until(lambda: not runtime.is_starved("toy@east"), "ended by the lease", 5)
    wait_until(lambda: stopped(pid) == 0, "goes on", 2)


def test_a_part_may_open_few_files_until_it_is_allowed_more(toys: Toys) -> None:
    runtime = toys.up()
    assert not runtime.lacks_files("toy@east")
    before = psutil.Process(toys.pid("toy@east")).rlimit(psutil.RLIMIT_NOFILE)
    runtime.limit_files("toy@east", 3)
    assert runtime.lacks_files("toy@east")
    assert not runtime.lacks_files("toy@west")
    for _ in range(2):
        runtime.allow_files("toy@east")
        assert psutil.Process(toys.pid("toy@east")).rlimit(psutil.RLIMIT_NOFILE) == before
    runtime.arm("lease", "toy@east", "allow-files", 0.3)
    runtime.limit_files("toy@east", 4)
    wait_until(lambda: not runtime.lacks_files("toy@east"), "allowed by the lease", 3)


def test_a_part_that_is_restarted_is_young(toys: Toys) -> None:
    runtime = toys.up()
    wait_until(lambda: runtime.age("toy@east") > 0.1, "it ages")
    before = runtime.age("toy@east")
    runtime.restart("toy@east")
    assert runtime.age("toy@east") < before
    runtime.kill("toy@east")
    with pytest.raises(Failure, match="toy@east is not running"):
        runtime.age("toy@east")


def test_a_lease_taken_back_does_nothing(toys: Toys) -> None:
    runtime = toys.up()
    runtime.arm("taken back", "toy@east", "start", 0.2)
    runtime.arm("kept", "toy@west", "start", 0.4)
    runtime.kill("toy@east")
    runtime.kill("toy@west")
    runtime.disarm("taken back")
    runtime.disarm("never armed")
    wait_until(lambda: runtime.is_running("toy@west"), "the later lease due", 3)
    assert not runtime.is_running("toy@east")


def test_a_new_supervisor_adopts_what_runs(toys: Toys) -> None:
    runtime = toys.up()
    pids = [toys.pid(part) for part in ("toy@east", "toy@west", "script")]
    toys.kill_supervisor()
    assert toys.answer("toy@east") == pids[0]
    toys.wait_ready()
    assert [toys.pid(part) for part in ("toy@east", "toy@west", "script")] == pids
    # Adopted parts are no children, and their deaths are seen all the same.
    psutil.Process(pids[0]).kill()
    wait_until(lambda: toys.pid_or_none("toy@east") not in (pids[0], None), "restarted", 2)
    runtime.kill("toy@west")
    assert is_gone(pids[1])


def test_a_new_supervisor_starts_what_died_meanwhile(toys: Toys) -> None:
    runtime = toys.up()
    runtime.kill("toy@west")
    toys.kill_supervisor()
    psutil.Process(toys.pid("toy@east")).kill()
    wait_until(lambda: toys.phases()["toy@east"] == "ready", "started again")
    assert toys.phases()["toy@west"] == "down"
    assert not runtime.is_running("toy@west")


def test_leases_outlive_the_supervisor(toys: Toys) -> None:
    runtime = toys.up()
    runtime.arm("kill", "toy@east", "start", 0.2)
    runtime.kill("toy@east")
    runtime.arm("pause", "toy@west", "resume", 0.2)
    runtime.pause("toy@west")
    toys.kill_supervisor()
    assert runtime.is_paused("toy@west")
    runtime.progress()
    wait_until(lambda: runtime.is_running("toy@east"), "started by the next supervisor")
    wait_until(lambda: not runtime.is_paused("toy@west"), "resumed by the next supervisor")


def test_down_leaves_nothing(toys: Toys, tmp_path: Path) -> None:
    child = tmp_path / "child"
    runtime = toys.up(TOY_CHILD=str(child))
    runtime.pause("toy@east")
    grandchild = int(child.read_text())
    socket_path = Path(SiteFile.read(toys.state).as_processes.socket)
    ending.end(toys.state)
    assert toys.processes() == []
    assert is_gone(grandchild)
    assert not socket_path.exists()
    assert not toys.state.run.exists()
    ending.end(toys.state)
    purge(toys.state)
    assert not toys.state.path.exists()
    with pytest.raises(Failure, match="no site"):
        runtime.progress()


def test_down_works_with_a_dead_supervisor(toys: Toys, tmp_path: Path) -> None:
    child = tmp_path / "child"
    runtime = toys.up(TOY_STUBBORN="1", TOY_CHILD=str(child))
    runtime.pause("toy@east")
    toys.kill_supervisor()
    ending.end(toys.state)
    assert is_gone(int(child.read_text()))
    assert toys.processes() == []
    assert not running.is_up(toys.state)


def test_down_works_with_a_supervisor_that_hangs(toys: Toys) -> None:
    toys.up()
    toys.supervisor().signal(signal.SIGSTOP)
    wait_until(toys.supervisor().is_paused, "the supervisor stopped")
    ending.end(toys.state)
    assert toys.processes() == []


def test_a_site_that_is_down_is_not_started_by_a_verb(toys: Toys) -> None:
    runtime = toys.up()
    ending.end(toys.state)
    with pytest.raises(Failure, match="not up"):
        runtime.kill("toy@east")
    assert not runtime.is_running("toy@east")


def test_starts_again_with_the_same_ports(toys: Toys) -> None:
    toys.up()
    before = Inventory.of(toys.state)
    ending.end(toys.state)
    toys.up()
    assert Inventory.of(toys.state) == before


def test_complete_starts_what_is_down_and_held_by_no_lease(toys: Toys) -> None:
    runtime = toys.up()
    runtime.kill("toy@west")
    runtime.arm("lease", "toy@east", "start", 60)
    runtime.kill("toy@east")
    assert runtime.complete() == ["toy@west"]
    wait_until(lambda: runtime.is_running("toy@west"), "started")
    assert not runtime.is_running("toy@east")


def test_a_taken_port_is_named_with_its_holder(toys: Toys) -> None:
    with socket.create_server(("127.0.0.1", toys.port)), pytest.raises(Failure) as raised:
        toys.begin()
    assert f"port {toys.port}" in raised.value.message
    assert f"(pid {os.getpid()})" in raised.value.message
    assert "--port east=" in raised.value.next_step
    assert toys.processes() == []


def test_of_two_ups_at_once_the_second_leaves_the_first_alone(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins when the first has seen that nothing runs, and has started nothing yet."""
    keep = beginning.keep
    said = []

    def overtaken(*arguments: Any) -> None:
        monkeypatch.setattr(beginning, "keep", keep)
        keep(*arguments)
        with pytest.raises(Failure) as raised:
            toys.begin()
        said.append(raised.value.message)

    monkeypatch.setattr(beginning, "keep", overtaken)
    toys.up()
    assert said == ["another failwhale up was faster"]
    running = toys.processes()
    begun = [process.pid for process in running if process.ppid() not in {other.pid for other in running}]
    assert begun == [toys.supervisor().pid], "all the rest are its children"
    assert (toys.state.run / "supervisor.lock").exists()


def test_ctrl_c_just_when_the_supervisor_is_started_does_not_hide_it_from_the_clean_up(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went on, and made the folder again that was removed meanwhile."""
    start = beginning.start_supervisor

    def interrupted(state: State) -> Any:
        supervisor = start(state)
        signal.raise_signal(signal.SIGINT)
        return supervisor

    monkeypatch.setattr(beginning, "start_supervisor", interrupted)
    with pytest.raises(KeyboardInterrupt):
        toys.begin()
    supervisor = toys.supervisor()
    ending.end(toys.state)
    assert not supervisor.is_alive()
    assert toys.processes() == []
    assert purge(toys.state) == []
    assert not toys.state.path.exists()


def test_two_sites_run_side_by_side(new_toys: Callable[[str], Toys]) -> None:
    first, second = new_toys("first"), new_toys("second")
    first.up()
    second.up()
    assert first.answer("toy@east") != second.answer("toy@east")
    ending.end(first.state)
    assert first.processes() == []
    assert second.answer("toy@west") == second.pid("toy@west")


def test_a_long_path_gets_a_short_socket(new_toys: Callable[[str], Toys]) -> None:
    toys = new_toys("a-folder-with-a-very-long-name-" * 4)
    toys.up()
    socket_path = Path(SiteFile.read(toys.state).as_processes.socket)
    assert not socket_path.is_relative_to(toys.state.path)
    ending.end(toys.state)
    assert not socket_path.exists()


def test_unknown_names_list_what_exists(toys: Toys) -> None:
    runtime = toys.up()
    with pytest.raises(Failure, match="no part is named 'yot@east': did you mean toy@east") as raised:
        runtime.kill("yot@east")
    assert "toy@east" in raised.value.next_step
    with pytest.raises(Failure, match="no part is named"):
        runtime.is_running("toy@south")


def test_the_instruments_are_stopped_before_what_they_watch(toys: Toys) -> None:
    toys.up()
    ending.end(toys.state)
    log = (toys.state.logs / "supervisor.log").read_text()
    down = [log.index(f"{part} down") for part in ("script", "toy@east")]
    assert down == sorted(down)


def test_purge_leaves_what_is_not_the_sites(toys: Toys) -> None:
    toys.up()
    ending.end(toys.state)
    thesis = toys.state.path / "thesis.txt"
    thesis.write_text("the only copy")
    elsewhere = toys.state.path.parent / "elsewhere"
    elsewhere.mkdir()
    toys.state.reports.symlink_to(elsewhere)
    assert purge(toys.state) == ["thesis.txt"]
    assert [entry.name for entry in toys.state.path.iterdir()] == ["thesis.txt"]
    assert elsewhere.exists()
    thesis.unlink()
    assert purge(toys.state) == []
    assert not toys.state.path.exists()


def test_purge_knows_all_that_a_site_makes(toys: Toys) -> None:
    toys.up()
    ending.end(toys.state)
    assert purge(toys.state) == []
    assert not toys.state.path.exists()


def test_a_folder_that_cannot_be_made_is_one_line(new_toys: Callable[[str], Toys]) -> None:
    toys = new_toys("site")
    toys.state.path.write_text("a file")
    with pytest.raises(Failure, match="cannot be the state folder: file exists") as raised:
        toys.begin()
    assert "--state" in raised.value.next_step
    with pytest.raises(Failure, match="cannot be the state folder"):
        purge(toys.state)


def test_what_ended_with_the_machine_is_no_running_site(toys: Toys) -> None:
    toys.up()
    toys.kill_everything()
    assert not running.is_up(toys.state)
    toys.up()
    assert toys.answer("toy@east") == toys.pid("toy@east")


def test_what_only_containers_have_is_refused_with_why(toys: Toys) -> None:
    toys.up()
    site = Site(toys.state)
    for ask, what in (
        (lambda: site.networks, "a network of its own"),
        (lambda: site.exec, "an inside of its own"),
    ):
        with pytest.raises(Failure, match=f"not possible on processes: it has not {what}") as failure:
            ask()
        assert "--on docker" in failure.value.next_step


def test_a_site_whose_supervisor_writes_an_older_form_ends_all_the_same(
    new_toys: Callable[[str], Toys], monkeypatch: pytest.MonkeyPatch
) -> None:
    toys = new_toys("older")
    toys.up()
    before_versions(toys.state)
    keep_what_ends_it(toys.state)
    down = Processes.down

    def down_as_before(runtime: Processes) -> None:
        down(runtime)
        content = json.loads(toys.state.site_file.read_text())
        toys.state.site_file.write_text(json.dumps({**content, "supervisor": None}))

    monkeypatch.setattr(Processes, "down", down_as_before)
    ending.end(toys.state)
    assert toys.processes() == []
    assert sitefile.supervisor(toys.state) is None
